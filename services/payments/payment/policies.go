package payment

import (
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// Hears are the events that payments are concerned with.
func Hears() []contracts.Event {
	return []contracts.Event{
		contracts.OrderPlaced{}, contracts.OrderShipped{}, contracts.StockReleased{},
		contracts.StockReservationFailed{}, contracts.OrderResolved{},
	}
}

// React makes the policy of payments: message in, command out. Each event counts once for an order.
func React(settings func(tenant string) Settings) func(m contracts.Message, at time.Time) es.Command {
	return func(m contracts.Message, at time.Time) es.Command {
		id := Category.Stream(m.Tenant, m.Subject)
		switch e := m.Data.(type) {
		case contracts.OrderPlaced:
			return Request(id, e, settings(m.Tenant), at)
		case contracts.OrderShipped:
			return Ship(id, at)
		case contracts.StockReleased:
			return TurnBack(id, StockReleased, at)
		case contracts.StockReservationFailed:
			return TurnBack(id, StockReservationFailed, at)
		case contracts.OrderResolved:
			return Resolve(id, e, at)
		case contracts.OrderCancellationRequested, contracts.OrderCancelled, contracts.OrderCompleted,
			contracts.PaymentAuthorized, contracts.PaymentFailed, contracts.PaymentCaptured, contracts.PaymentVoided,
			contracts.PaymentRefunded, contracts.PaymentAttentionRequired,
			contracts.StockReserved,
			contracts.ShippingFailed, contracts.ShipmentCancelled, contracts.CancellationRefused,
			contracts.ShipmentAttentionRequired, contracts.ShipmentDelivered:
		}
		return es.Nothing()
	}
}
