package order_test

import (
	"testing"

	"waybill.dev/contracts"
	"waybill.dev/services/orders/order"
)

func hear(fact order.Event) order.Hear { return order.Hear{Fact: fact} }

func TestEveryFactIsNotedOnce(t *testing.T) {
	t.Parallel()
	for _, h := range heard() {
		s := given(t)
		s.When(do(hear(h.fact))).Then(facts(h.fact)...).ThenJobs()
		s.When(do(hear(h.fact))).ThenNothing()
	}
}

func TestWhatEndsTheOrderIsSaidWithIt(t *testing.T) {
	t.Parallel()
	given(t, placed(), authorized, reserved, shipped).When(do(hear(captured))).Then(facts(captured, completed)...)
	given(t, placed(), authorized, reserved, captured).When(do(hear(shipped))).Then(facts(shipped, completed)...)
	given(t, placed(), requested).When(do(hear(order.PaymentVoided{}))).Then(facts(order.PaymentVoided{}, cancelled)...)
	if said := published(facts(order.PaymentVoided{}, cancelled)); len(said) != 1 || said[0] != (contracts.OrderCancelled{Reason: "changed my mind"}) {
		t.Errorf("said %v", said)
	}
}

// An order that has ended still notes what is said of it, and ends once.
func TestAnEndedOrderHearsOn(t *testing.T) {
	t.Parallel()
	there := order.Delivered{DeliveredAt: heardAt}
	given(t, placed(), authorized, reserved, shipped, captured, completed).When(do(hear(there))).Then(facts(there)...)
	given(t, placed(), resolved).When(do(hear(captured))).Then(facts(captured)...)
}
