package shipment

import (
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// Hears lists the events that shipping listens to.
func Hears() []contracts.Event {
	return []contracts.Event{
		contracts.OrderPlaced{}, contracts.OrderCancellationRequested{}, contracts.OrderResolved{},
		contracts.StockReserved{},
	}
}

// React turns a message into the command that notes it. The events come in any order, more than once, and long
// after the order has ended. Of an event that does not concern the shipment nothing comes.
func React(m contracts.Message, _ time.Time) es.Command {
	switch e := m.Data.(type) {
	case contracts.OrderPlaced:
		lines := make([]Line, 0, len(e.Lines))
		for _, l := range e.Lines {
			lines = append(lines, Line{SKU: l.SKU, Quantity: l.Quantity})
		}
		return HearOrder(m.Tenant, m.Subject, Address(e.ShippingAddress), lines)
	case contracts.StockReserved:
		return HearStockReserved(m.Tenant, m.Subject)
	case contracts.OrderCancellationRequested:
		return HearCancellation(m.Tenant, m.Subject)
	case contracts.OrderResolved:
		return HearResolution(m.Tenant, m.Subject, e.Outcome)
	case contracts.OrderCancelled, contracts.OrderCompleted,
		contracts.PaymentAuthorized, contracts.PaymentFailed, contracts.PaymentCaptured, contracts.PaymentVoided,
		contracts.PaymentRefunded, contracts.PaymentAttentionRequired,
		contracts.StockReservationFailed, contracts.StockReleased,
		contracts.OrderShipped, contracts.ShippingFailed, contracts.ShipmentCancelled, contracts.CancellationRefused,
		contracts.ShipmentAttentionRequired, contracts.ShipmentDelivered:
	}
	return es.Nothing()
}
