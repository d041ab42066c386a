package audit

import (
	"waybill.dev/platform/es"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

// checkRetries: what an operator wants tried again is asked again.
func (a *account) checkRetries() {
	for _, facts := range [][]es.Recorded{a.Payment, a.Shipment} {
		retried := false
		for _, f := range facts {
			switch f.Event.(type) {
			case payment.RetryRequested, shipment.RetryRequested:
				retried = true
			case payment.Attempted, shipment.Attempted:
				retried = false
			}
		}
		if retried {
			a.find(OneEnd, "an operator wants it tried again, and nothing was asked")
		}
	}
}
