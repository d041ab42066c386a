package audit

import (
	"waybill.dev/platform/es"
	"waybill.dev/services/orders/order"
)

// checkDeadlines: what had come was not late, nor what nobody waits for any more: a cancellation that was refused.
func (a *account) checkDeadlines() { walk(order.Category, a.Orders, a.checkMissed) }

func (a *account) checkMissed(o order.Order, fact es.Event) {
	missed, ok := fact.(order.DeadlineMissed)
	if ok && answered(o, missed.Step) {
		a.find(OneEnd, "the %s was found overdue, and had come", missed.Step)
	}
}

// answered says whether what the step waits for has come.
func answered(o order.Order, step order.Step) bool {
	switch step {
	case order.StepAuthorization:
		return o.Authorized != nil
	case order.StepReservation:
		return o.Reserved != nil
	case order.StepShipment:
		return o.Shipped != nil
	case order.StepCapture:
		return o.Captured != nil
	case order.StepCancellation:
		return o.Refused != nil
	}
	return false
}
