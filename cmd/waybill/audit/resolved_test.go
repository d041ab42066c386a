package audit_test

import (
	"slices"
	"testing"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

// An operator's word is the last, and so is a fact that had come before its deadline was judged.
func TestWhatIsBegunTooLate(t *testing.T) {
	t.Parallel()
	for _, tc := range []finding{
		{"settled, and nothing was amiss", settled(), func(e *audit.Evidence) {
			e.Orders[4].Event = heardCaptured
			e.Payment[5].Event = captured
			e.Charges[0] = charge("captured", total.Amount, 0, operation(payment.Capture, "succeeded", ""))
			*e = said(*e)
		}, []audit.Statement{audit.OneEnd}},
		{"settled, and late", settled(), func(e *audit.Evidence) {
			with(&e.Orders, order.DeadlineMissed{Step: order.StepCapture, Due: t0})(e)
		}, []audit.Statement{audit.OneEnd}},
		{"late, and it had come", completed(), func(e *audit.Evidence) {
			e.Orders[5].Event = order.DeadlineMissed{Step: order.StepCapture, Due: t0}
			with(&e.Orders, order.Completed{Total: placed.Total})(e)
			*e = said(*e)
		}, []audit.Statement{audit.OneEnd}},
		{"late, and the cancellation had been refused", unpaid(), func(e *audit.Evidence) {
			e.Shipment = append(slices.Clone(e.Shipment), shipping(pickedUp, pickedUp, pickedUp, pickedUp, pickedUp,
				shipment.CancellationHeard{}, shipment.CancellationRefused{})[5:]...)
			with(&e.Orders, order.CancellationRequested{RequestedBy: order.ByCustomer})(e)
			with(&e.Orders, order.CancellationRefused{HeardAt: t0})(e)
			with(&e.Orders, order.DeadlineMissed{Step: order.StepCancellation, Due: t0})(e)
			e.Mails = told(mail.OrderReceived, mail.OrderShipped, mail.CancellationRefused)
			*e = said(*e)
		}, []audit.Statement{audit.OneEnd}},
		{"tried again, and nobody is asked", unpaid(), func(e *audit.Evidence) {
			with(&e.Payment, payment.RetryRequested{Operation: payment.Void})(e)
		}, []audit.Statement{audit.OneEnd}},
		{"settled, and the provider is asked again", settled(), func(e *audit.Evidence) {
			with(&e.Payment, attempted(payment.Capture, 1))(e)
			with(&e.Payment, payment.Refused{Operation: payment.Capture, Code: "x"})(e)
		}, []audit.Statement{audit.OneEnd}},
		{"settled, and voided without being asked", settled(), func(e *audit.Evidence) {
			with(&e.Payment, payment.Voided{})(e)
			with(&e.Orders, order.PaymentVoided{})(e)
			*e = said(*e)
		}, []audit.Statement{audit.OneEnd}},
		{"settled, and the carrier is asked again", settled(), func(e *audit.Evidence) {
			with(&e.Shipment, shipment.Attempted{Operation: shipment.Cancel, Key: "k"})(e)
			with(&e.Shipment, pickedUp)(e)
			*e = said(*e)
		}, []audit.Statement{audit.OneEnd, audit.AllSaid}},
		{"settled as completed, and released", settled(), func(e *audit.Evidence) {
			e.Reservation = reservation(orderHeard, stock.PaymentHeard{}, stock.ReservationMade{},
				stock.ResolutionHeard{Outcome: stock.OutcomeCompleted}, stock.ReservationReleased{Cause: stock.CauseOrderResolved}, stock.ShipmentHeard{})
		}, []audit.Statement{audit.StockEnds}},
		{"settled, and reserved", settled(), func(e *audit.Evidence) {
			e.Reservation = reservation(orderHeard, stock.ResolutionHeard{Outcome: stock.OutcomeCompleted}, stock.PaymentHeard{}, stock.ReservationMade{},
				stock.ShipmentHeard{}, stock.ReservationShipped{})
			*e = said(*e)
		}, []audit.Statement{audit.StockEnds}},
	} {
		tc.run(t)
	}
}
