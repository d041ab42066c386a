package audit

import (
	"slices"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

// checkNotes: what a service notes that it has heard, somebody had to say.
func (a *account) checkNotes() {
	for _, l := range []struct {
		service string
		facts   []es.Recorded
	}{
		{"orders", a.Orders}, {"payments", a.Payment}, {"inventory", a.Reservation}, {"shipping", a.Shipment}, {"notifications", a.Mails},
	} {
		for _, f := range l.facts {
			noted := notes(f.Event)
			if noted != nil && !slices.ContainsFunc(a.due, func(m contracts.Message) bool { return m.Data.Type() == noted.Type() }) {
				a.find(AllSaid, "%s has noted %s, which nobody said", l.service, noted.Type())
			}
		}
	}
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
	case mail.Due:
		return tells(f.Mail)
	}
	return nil
}

// tells is the event that a mail is owed for.
func tells(m mail.Kind) contracts.Event {
	switch m {
	case mail.OrderReceived:
		return contracts.OrderPlaced{}
	case mail.OrderCompleted:
		return contracts.OrderCompleted{}
	case mail.OrderCancelled:
		return contracts.OrderCancelled{}
	case mail.OrderResolved:
		return contracts.OrderResolved{}
	case mail.OrderShipped:
		return contracts.OrderShipped{}
	case mail.OrderDelivered:
		return contracts.ShipmentDelivered{}
	case mail.CancellationRefused:
		return contracts.CancellationRefused{}
	case mail.PaymentFailed:
		return contracts.PaymentFailed{}
	case mail.PaymentRefunded:
		return contracts.PaymentRefunded{}
	}
	return nil
}
