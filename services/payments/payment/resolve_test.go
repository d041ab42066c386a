package payment_test

import (
	"testing"

	"waybill.dev/contracts"
	"waybill.dev/services/payments/payment"
)

func TestResolve(t *testing.T) {
	word := contracts.OrderResolved{Outcome: "cancelled", ResolvedBy: "operator", Reason: "by bank transfer"}
	resolve := payment.Resolve(stream, word, now)
	resolved := payment.ResolutionHeard{}
	captureRefused := payment.Refused{Operation: payment.Capture, Code: "capture_refused", Attention: true}

	t.Run("noted, once", func(t *testing.T) {
		given(t, requested, authorized).When(resolve).Then(facts(resolved)...).ThenJobs()
		given(t, requested, authorized, resolved).When(resolve).ThenNothing()
	})
	t.Run("money that is held or taken stays where it is", func(t *testing.T) {
		for _, past := range [][]payment.Fact{
			{requested, authorized}, {requested, authorized, shipmentHeard, captured},
		} {
			back := payment.WayBackHeard{Cause: payment.StockReleased}
			s := given(t, append(past, resolved)...)
			s.When(payment.TurnBack(stream, payment.StockReleased, now)).Then(facts(back)...).ThenJobs()
			s.When(payment.Retry(stream, "operator", now)).ThenRefused("conflict")
		}
	})
	t.Run("a second word changes nothing", func(t *testing.T) {
		other := word
		other.Outcome = "completed"
		given(t, requested, authorized, resolved).When(payment.Resolve(stream, other, now)).ThenNothing()
	})
	t.Run("an outcome that nobody knows is refused", func(t *testing.T) {
		for _, outcome := range []string{"", "Cancelled", "lost"} {
			given(t, requested, authorized).When(payment.Resolve(stream, contracts.OrderResolved{Outcome: outcome}, now)).ThenRefused("invalid")
		}
	})
	t.Run("an intent in flight ends, and nothing follows", func(t *testing.T) {
		given(t, requestedAtOnce, attempted(payment.Authorize, 0), resolved).
			When(payment.Settle(stream, done(payment.Authorize), now)).Then(facts(authorizedQuiet)...).ThenJobs()
	})
	t.Run("what is refused after it needs nobody", func(t *testing.T) {
		given(t, requested, authorized, shipmentHeard, attempted(payment.Capture, 0), resolved).
			When(payment.Settle(stream, refused(payment.Capture, "capture_refused"), now)).
			Then(facts(payment.Refused{Operation: payment.Capture, Code: "capture_refused"})...).ThenJobs()
	})
	t.Run("what was refused before it can no longer be retried", func(t *testing.T) {
		given(t, requested, authorized, shipmentHeard, attempted(payment.Capture, 0), captureRefused, resolved).
			When(payment.Retry(stream, "operator", now)).ThenRefused("conflict")
	})
}
