package payment_test

import (
	"testing"

	"waybill.dev/services/payments/payment"
)

func TestResolve(t *testing.T) {
	resolve := payment.Resolve(stream, now)
	resolved := payment.ResolutionHeard{}
	captureRefused := payment.Refused{Operation: payment.Capture, Code: "capture_refused", Attention: true}

	t.Run("noted, once", func(t *testing.T) {
		given(t, requested, authorized).When(resolve).Then(facts(resolved)...).ThenJobs()
		given(t, requested, authorized, resolved).When(resolve).ThenNothing()
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
