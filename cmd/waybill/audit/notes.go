package audit

import (
	"reflect"
	"slices"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

// checkNotes: what a service notes that it has heard, somebody had to say, and just so.
func (a *account) checkNotes() {
	for _, l := range []struct {
		service string
		facts   []es.Recorded
	}{
		{"orders", a.Orders}, {"payments", a.Payment}, {"inventory", a.Reservation}, {"shipping", a.Shipment}, {"notifications", a.Mails},
	} {
		for _, f := range l.facts {
			if notesAny(f.Event) && !slices.ContainsFunc(a.due, func(m contracts.Message) bool { return noted(f.Event, m.Data) }) {
				a.find(AllSaid, "%s has noted %s, which nobody said", l.service, f.Event.Kind())
			}
		}
	}
}

// notesAny says whether the fact notes what another service says.
func notesAny(fact es.Event) bool {
	_, due := fact.(mail.Due)
	return due || notes(fact) != nil
}

// noted says whether the fact notes just what was said.
func noted(fact es.Event, said contracts.Event) bool {
	if due, ok := fact.(mail.Due); ok {
		return letterOf(said).is(due)
	}
	return notes(fact).Type() == said.Type() && reflect.DeepEqual(said, keeping(said, fact))
}

// notes is the event that a fact notes; nil where it notes none of another service's.
func notes(fact es.Event) contracts.Event {
	switch f := fact.(type) {
	case order.PaymentAuthorized, stock.PaymentHeard:
		return contracts.PaymentAuthorized{}
	case order.PaymentFailed:
		return contracts.PaymentFailed{}
	case order.PaymentCaptured:
		return contracts.PaymentCaptured{}
	case order.PaymentVoided:
		return contracts.PaymentVoided{}
	case order.PaymentRefunded:
		return contracts.PaymentRefunded{}
	case order.PaymentAttentionRequired:
		return contracts.PaymentAttentionRequired{}
	case order.StockReserved, shipment.StockReservedHeard:
		return contracts.StockReserved{}
	case order.StockReservationFailed:
		return contracts.StockReservationFailed{}
	case order.StockReleased:
		return contracts.StockReleased{}
	case order.Shipped, payment.ShipmentHeard, stock.ShipmentHeard:
		return contracts.OrderShipped{}
	case order.ShippingFailed, stock.ShippingFailureHeard:
		return contracts.ShippingFailed{}
	case order.ShipmentCancelled, stock.ShipmentCancellationHeard:
		return contracts.ShipmentCancelled{}
	case order.CancellationRefused:
		return contracts.CancellationRefused{}
	case order.ShipmentAttentionRequired:
		return contracts.ShipmentAttentionRequired{}
	case order.Delivered:
		return contracts.ShipmentDelivered{}
	case payment.Requested, stock.OrderHeard, shipment.OrderHeard, mail.ContactHeard:
		return contracts.OrderPlaced{}
	case payment.ResolutionHeard, stock.ResolutionHeard, shipment.ResolutionHeard:
		return contracts.OrderResolved{}
	case shipment.CancellationHeard:
		return contracts.OrderCancellationRequested{}
	case payment.WayBackHeard:
		if f.Cause == payment.StockReservationFailed {
			return contracts.StockReservationFailed{}
		}
		return contracts.StockReleased{}
	}
	return nil
}
