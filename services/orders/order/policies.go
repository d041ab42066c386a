package order

import (
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// Hears lists what orders consumes: all that payments, inventory and shipping say.
func Hears() []contracts.Event {
	return []contracts.Event{
		contracts.PaymentAuthorized{}, contracts.PaymentFailed{}, contracts.PaymentCaptured{},
		contracts.PaymentVoided{}, contracts.PaymentRefunded{}, contracts.PaymentAttentionRequired{},
		contracts.StockReserved{}, contracts.StockReservationFailed{}, contracts.StockReleased{},
		contracts.OrderShipped{}, contracts.ShippingFailed{}, contracts.ShipmentCancelled{},
		contracts.CancellationRefused{}, contracts.ShipmentAttentionRequired{}, contracts.ShipmentDelivered{},
	}
}

// React is the service's part of the saga: a message in, a command out. at is when the message was heard. What does not
// concern an order comes to nothing.
func React(m contracts.Message, at time.Time) es.Command {
	fact := heard(m.Data, at)
	if fact == nil {
		return es.Nothing()
	}
	return On(m.Tenant, m.Subject, Hear{Fact: fact})
}

// heard is what the order notes of an event, and nil of what it says itself.
func heard(e contracts.Event, at time.Time) Event {
	switch e := e.(type) {
	case contracts.PaymentAuthorized:
		return PaymentAuthorized{Amount: Money(e.Amount), ProviderReference: e.ProviderReference, ExpiresAt: e.ExpiresAt, HeardAt: at}
	case contracts.PaymentFailed:
		return PaymentFailed(e)
	case contracts.PaymentCaptured:
		return PaymentCaptured{Amount: Money(e.Amount), ProviderReference: e.ProviderReference}
	case contracts.PaymentVoided:
		return PaymentVoided(e)
	case contracts.PaymentRefunded:
		return PaymentRefunded{Amount: Money(e.Amount), ProviderReference: e.ProviderReference}
	case contracts.PaymentAttentionRequired:
		return PaymentAttentionRequired(e)
	case contracts.StockReserved:
		return StockReserved{HeardAt: at}
	case contracts.StockReservationFailed:
		shortages := make([]Shortage, len(e.Shortages))
		for i, s := range e.Shortages {
			shortages[i] = Shortage(s)
		}
		return StockReservationFailed{Shortages: shortages, HeardAt: at}
	case contracts.StockReleased:
		return StockReleased{HeardAt: at}
	case contracts.OrderShipped:
		return Shipped{Carrier: e.Carrier, TrackingNumber: e.TrackingNumber, PickedUpAt: e.PickedUpAt, HeardAt: at}
	case contracts.ShippingFailed:
		return ShippingFailed{Code: e.Code, HeardAt: at}
	case contracts.ShipmentCancelled:
		return ShipmentCancelled{HeardAt: at}
	case contracts.CancellationRefused:
		return CancellationRefused{HeardAt: at}
	case contracts.ShipmentAttentionRequired:
		return ShipmentAttentionRequired(e)
	case contracts.ShipmentDelivered:
		return Delivered(e)
	case contracts.OrderPlaced, contracts.OrderCancellationRequested, contracts.OrderCancelled,
		contracts.OrderResolved, contracts.OrderCompleted:
		return nil
	}
	return nil
}
