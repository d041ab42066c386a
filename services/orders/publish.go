package orders

import (
	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/orders/order"
)

// Publish says what the other services hear of a fact of an order: the one place where its facts become words of
// the published language. What was heard from others is not said again.
func Publish(r es.Recorded) []contracts.Event {
	fact, ok := r.Event.(order.Event)
	if !ok {
		return nil
	}
	switch e := fact.(type) {
	case order.Placed:
		return []contracts.Event{placed(e)}
	case order.CancellationRequested:
		return []contracts.Event{contracts.OrderCancellationRequested{RequestedBy: string(e.RequestedBy), Reason: e.Reason}}
	case order.Completed:
		return []contracts.Event{contracts.OrderCompleted{Total: contracts.Money(e.Total)}}
	case order.Cancelled:
		return []contracts.Event{contracts.OrderCancelled{Reason: e.Reason}}
	case order.Resolved:
		return []contracts.Event{contracts.OrderResolved{Outcome: string(e.Outcome), ResolvedBy: e.ResolvedBy, Reason: e.Reason}}
	case order.PaymentAuthorized, order.PaymentFailed, order.PaymentCaptured, order.PaymentVoided, order.PaymentRefunded,
		order.PaymentAttentionRequired, order.StockReserved, order.StockReservationFailed, order.StockReleased,
		order.Shipped, order.ShippingFailed, order.ShipmentCancelled, order.CancellationRefused,
		order.ShipmentAttentionRequired, order.Delivered, order.DeadlineMissed:
		return nil
	}
	return nil
}

func placed(e order.Placed) contracts.OrderPlaced {
	lines := make([]contracts.OrderLine, len(e.Lines))
	for i, l := range e.Lines {
		lines[i] = contracts.OrderLine{SKU: l.SKU, Name: l.Name, Quantity: l.Quantity, UnitPrice: contracts.Money(l.UnitPrice)}
	}
	return contracts.OrderPlaced{
		Customer: contracts.Customer(e.Customer), Lines: lines, ShippingAddress: contracts.Address(e.ShippingAddress),
		Payment: contracts.PaymentMethod(e.Payment), Total: contracts.Money(e.Total),
	}
}
