module waybill.dev/services/payments

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	pgregory.net/rapid v1.3.0
	waybill.dev/contracts v0.0.0
	waybill.dev/platform v0.0.0
	waybill.dev/simulators v0.0.0
)

require (
	github.com/bits-and-blooms/bitset v1.24.4 // indirect
	golang.org/x/sync v0.24.0 // indirect
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/cloudevents/sdk-go/v2 v2.16.2 // indirect
	github.com/failsafe-go/failsafe-go v0.9.8
	github.com/json-iterator/go v1.1.12 // indirect
	github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd // indirect
	github.com/modern-go/reflect2 v1.0.2 // indirect
	go.opentelemetry.io/otel v1.47.0
	go.opentelemetry.io/otel/trace v1.47.0 // indirect
)

replace (
	waybill.dev/contracts => ../../contracts
	waybill.dev/platform => ../../platform
)

replace waybill.dev/simulators => ../../simulators

replace waybill.dev/local => ../../local
