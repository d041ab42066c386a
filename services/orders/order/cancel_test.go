package order_test

import (
	"strings"
	"testing"

	"waybill.dev/platform/es"
	"waybill.dev/services/orders/order"
)

var cancel = order.Cancel{RequestedBy: order.ByCustomer, Reason: "changed my mind", At: heardAt}

func TestCancel(t *testing.T) {
	t.Parallel()
	for name, past := range map[string][]order.Event{
		"placed":                    {placed()},
		"authorized":                {placed(), authorized},
		"reserved":                  {placed(), authorized, reserved},
		"shipped, for shipping":     {placed(), authorized, reserved, shipped},
		"captured at once":          {placed(), captured, authorized},
		"with a refused capture":    {placed(), authorized, reserved, shipped, captureRefused},
		"with a missed deadline":    {placed(), shipped, order.DeadlineMissed{Step: order.StepCapture, Due: t0}},
		"with the delivery told of": {placed(), order.Delivered{DeliveredAt: t0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given(t, past...).When(do(cancel)).Then(facts(requested)...).ThenJobs()
		})
	}
}

func TestCancelWhatIsCancelling(t *testing.T) {
	t.Parallel()
	for name, past := range map[string][]order.Event{
		"requested":                 {placed(), requested},
		"requested by a deadline":   {placed(), order.CancellationRequested{RequestedBy: order.ByDeadline}},
		"shipped, answer to come":   {placed(), requested, shipped},
		"out of stock":              {placed(), authorized, order.StockReservationFailed{}},
		"refused by the carrier":    {placed(), authorized, reserved, order.ShippingFailed{}},
		"shipment cancelled":        {placed(), requested, shipmentCanceled},
		"released, money to come":   {placed(), requested, shipmentCanceled, order.StockReleased{}},
		"the refund needs a person": {placed(), requested, order.PaymentAttentionRequired{Operation: "refund"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given(t, past...).When(do(cancel)).ThenNothing()
		})
	}
}

func TestCancelTooLate(t *testing.T) {
	t.Parallel()
	for name, past := range map[string][]order.Event{
		"completed": {placed(), shipped, captured, completed},
		"cancelled": {placed(), requested, order.PaymentVoided{}, cancelled},
		"resolved":  {placed(), shipped, captureRefused, resolved},
		"refused":   {placed(), requested, refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given(t, past...).When(do(cancel)).ThenRefused(es.Conflict)
		})
	}
}

func TestCancelUnknown(t *testing.T) {
	t.Parallel()
	given(t).When(do(cancel)).ThenRefused(es.NotFound)
	given(t, authorized).When(do(cancel)).ThenRefused(es.NotFound)
}

func TestCancelRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	c := cancel
	c.Reason = strings.Repeat("r", order.MaxReason+1)
	given(t, placed()).When(do(c)).ThenRefused(es.Invalid)
	c = cancel
	c.RequestedBy = order.ByDeadline
	given(t, placed()).When(do(c)).ThenRefused(es.Invalid)
}

func TestCancelReason(t *testing.T) {
	t.Parallel()
	for reason, wrong := range map[string]int{
		"changed my mind": 0, strings.Repeat("r", order.MaxReason): 0, "": 1, "\t": 1, "a\x00": 1, strings.Repeat("r", order.MaxReason+1): 1,
	} {
		if got := (order.Cancel{RequestedBy: order.ByOperator, Reason: reason}).Validate(); len(got) != wrong {
			t.Errorf("%q: %v", reason, got)
		}
	}
}
