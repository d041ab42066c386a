module waybill.dev/cmd/waybill

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/google/go-cmp v0.7.0
	waybill.dev/contracts v0.0.0
	waybill.dev/local v0.0.0
	waybill.dev/platform v0.0.0
	waybill.dev/services/inventory v0.0.0
	waybill.dev/services/notifications v0.0.0
	waybill.dev/services/orders v0.0.0
	waybill.dev/services/payments v0.0.0
	waybill.dev/services/shipping v0.0.0
	waybill.dev/simulators v0.0.0
)

require (
	github.com/emersion/go-message v0.18.2 // indirect
	github.com/emersion/go-sasl v0.0.0-20241020182733-b788ff22d5a6 // indirect
	github.com/emersion/go-smtp v0.25.1 // indirect
	github.com/standard-webhooks/standard-webhooks/libraries v0.0.1 // indirect
	golang.org/x/sync v0.24.0 // indirect
)

replace (
	waybill.dev/contracts => ../../contracts
	waybill.dev/local => ../../local
	waybill.dev/platform => ../../platform
	waybill.dev/services/inventory => ../../services/inventory
	waybill.dev/services/notifications => ../../services/notifications
	waybill.dev/services/orders => ../../services/orders
	waybill.dev/services/payments => ../../services/payments
	waybill.dev/services/shipping => ../../services/shipping
	waybill.dev/simulators => ../../simulators
)
