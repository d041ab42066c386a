package order_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/platform/es"
	"waybill.dev/services/orders/order"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	resolve := order.Resolve(resolved)
	for name, past := range map[string][]order.Event{
		"refused capture":  {placed(), authorized, reserved, shipped, captureRefused},
		"refused cancel":   {placed(), authorized, reserved, requested, cancelRefused},
		"missed deadline":  {placed(), requested, order.DeadlineMissed{Step: order.StepCancellation}},
		"more than enough": {placed(), shipped, captureRefused, order.DeadlineMissed{Step: order.StepCapture}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := given(t, past...)
			s.When(do(resolve)).Then(facts(resolved)...).ThenJobs()
			s.When(do(resolve)).ThenRefused(es.Conflict)
		})
	}
}

func TestResolveWhatGoesByItself(t *testing.T) {
	t.Parallel()
	resolve := order.Resolve(resolved)
	for name, past := range map[string][]order.Event{
		"placed":              {placed()},
		"cancelling":          {placed(), requested},
		"captured since":      {placed(), captureRefused, captured},
		"shipped since":       {placed(), cancelRefused, shipped},
		"refused since":       {placed(), requested, order.DeadlineMissed{Step: order.StepCancellation}, refused},
		"completed":           {placed(), shipped, captured, completed},
		"cancelled":           {placed(), order.PaymentVoided{}, cancelled},
		"cancelled, and late": {placed(), order.PaymentVoided{}, cancelled, cancelRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given(t, past...).When(do(resolve)).ThenRefused(es.Conflict)
		})
	}
	given(t).When(do(resolve)).ThenRefused(es.NotFound)
}

func TestResolveRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	resolve := order.Resolve(resolved)
	resolve.ResolvedBy = ""
	given(t, placed(), authorized, reserved, shipped, captureRefused).When(do(resolve)).ThenRefused(es.Invalid)
}

func TestResolveNamesEveryWrongField(t *testing.T) {
	t.Parallel()
	if got := order.Resolve(resolved).Validate(); got != nil {
		t.Errorf("good, but %v", got)
	}
	var got []string
	for _, w := range (order.Resolve{Outcome: "shipped"}).Validate() {
		got = append(got, w.Field)
	}
	if diff := cmp.Diff([]string{"outcome", "resolvedBy", "reason"}, got); diff != "" {
		t.Error(diff)
	}
}
