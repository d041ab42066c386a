package order_test

import (
	"testing"
	"time"

	"waybill.dev/services/orders/order"
)

func TestExpire(t *testing.T) {
	t.Parallel()
	now := t0.Add(1000 * time.Hour)
	overdue := func(s order.Step) order.CancellationRequested {
		return order.CancellationRequested{RequestedBy: order.ByDeadline, Reason: string(s) + "_overdue", RequestedAt: now}
	}
	missed := func(s order.Step, after time.Duration) order.DeadlineMissed {
		return order.DeadlineMissed{Step: s, Due: heardAt.Add(after)}
	}
	for name, c := range map[string]struct {
		past []order.Event
		step order.Step
		then order.Event
	}{
		"not authorized":        {[]order.Event{placed()}, order.StepAuthorization, overdue(order.StepAuthorization)},
		"not reserved":          {[]order.Event{placed(), authorized}, order.StepReservation, overdue(order.StepReservation)},
		"not picked up":         {[]order.Event{placed(), authorized, reserved}, order.StepShipment, overdue(order.StepShipment)},
		"not captured":          {[]order.Event{placed(), authorized, reserved, shipped}, order.StepCapture, missed(order.StepCapture, time.Hour)},
		"not answered":          {[]order.Event{placed(), requested}, order.StepCancellation, missed(order.StepCancellation, 90*time.Minute)},
		"out of stock, no void": {[]order.Event{placed(), order.StockReservationFailed{HeardAt: heardAt}}, order.StepCancellation, missed(order.StepCancellation, 90*time.Minute)},
		"refused, not shipped":  {[]order.Event{placed(), reserved, requested, refused}, order.StepShipment, missed(order.StepShipment, 48*time.Hour)},
		"shipped, not refused":  {[]order.Event{placed(), reserved, requested, shipped}, order.StepCapture, missed(order.StepCapture, time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := given(t, c.past...)
			s.When(do(order.Expire{Step: c.step, Read: now, At: now})).Then(facts(c.then)...).ThenJobs()
			s.When(do(order.Expire{Step: c.step, Read: now, At: now})).ThenNothing() // another replica judges as well
		})
	}
}

func TestExpireWhatCameInTime(t *testing.T) {
	t.Parallel()
	due := heardAt.Add(3 * time.Minute)
	expire := func(read time.Time) order.Expire {
		return order.Expire{Step: order.StepReservation, Read: read, At: due.Add(time.Hour)}
	}
	given(t, placed(), authorized).When(do(expire(due.Add(-1)))).ThenNothing() // what was said by then is not read yet
	given(t, placed(), authorized).When(do(expire(due))).Then(facts(order.CancellationRequested{
		RequestedBy: order.ByDeadline, Reason: "reservation_overdue", RequestedAt: due.Add(time.Hour),
	})...)
	for name, past := range map[string][]order.Event{
		"unknown":             nil,
		"an earlier step":     {placed()},
		"reserved since":      {placed(), authorized, reserved},
		"shipped since":       {placed(), shipped},
		"cancelling since":    {placed(), authorized, requested},
		"cancelled since":     {placed(), order.PaymentFailed{}, order.Cancelled{}},
		"completed since":     {placed(), shipped, captured, completed},
		"a person is looking": {placed(), authorized, cancelRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given(t, past...).When(do(expire(t0.Add(1000 * time.Hour)))).ThenNothing()
		})
	}
}
