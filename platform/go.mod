module waybill.dev/platform

go 1.26.0

require waybill.dev/contracts v0.0.0

require github.com/google/go-cmp v0.7.0 // indirect

replace waybill.dev/contracts => ../contracts
