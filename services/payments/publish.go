package payments

import (
	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/payments/payment"
)

// Publish says what a recorded fact means to the other services.
func Publish(r es.Recorded) []contracts.Event {
	fact, ok := r.Event.(payment.Fact)
	if !ok {
		return nil
	}
	switch f := fact.(type) {
	case payment.Authorized:
		if f.AtOnce {
			return nil // nobody hears of the hold before the capture
		}
		return say(contracts.PaymentAuthorized{Amount: f.Amount, ProviderReference: f.Payment, ExpiresAt: f.ExpiresAt})
	case payment.Captured:
		captured := contracts.PaymentCaptured{Amount: f.Amount, ProviderReference: f.Payment}
		if f.AtOnce {
			return say(contracts.PaymentAuthorized{
				Amount: f.Amount, ProviderReference: f.Payment, ExpiresAt: f.ExpiresAt,
			}, captured)
		}
		return say(captured)
	case payment.Refused:
		switch {
		case f.Operation == payment.Authorize:
			return say(contracts.PaymentFailed{Code: f.Code})
		case f.Attention:
			return say(contracts.PaymentAttentionRequired{Operation: string(f.Operation), Code: f.Code})
		}
		return nil
	case payment.Voided:
		if f.FailedWith != "" {
			return say(contracts.PaymentFailed{Code: f.FailedWith})
		}
		return say(contracts.PaymentVoided{})
	case payment.Refunded:
		return say(contracts.PaymentRefunded{Amount: f.Amount, ProviderReference: f.Payment})
	case payment.Requested, payment.ShipmentHeard, payment.WayBackHeard, payment.ResolutionHeard,
		payment.Attempted, payment.RetryRequested:
		return nil
	}
	return nil
}

func say(events ...contracts.Event) []contracts.Event { return events }
