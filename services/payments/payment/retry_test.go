package payment_test

import (
	"testing"

	"waybill.dev/services/payments/payment"
)

func TestRetry(t *testing.T) {
	retry := payment.Retry(stream, "operator", now)
	lifted := func(op payment.Operation) payment.RetryRequested {
		return payment.RetryRequested{Operation: op, By: "operator"}
	}
	no := func(op payment.Operation) payment.Refused {
		return payment.Refused{Operation: op, Code: string(op) + "_refused", Attention: true}
	}
	captureRefused := []payment.Fact{requested, authorized, shipmentHeard, attempted(payment.Capture, 0), no(payment.Capture)}

	t.Run("asks again under a new key", func(t *testing.T) {
		given(t, captureRefused...).When(retry).
			Then(facts(lifted(payment.Capture), attempted(payment.Capture, 1))...).ThenJobs(asks(payment.Capture, 1))
		given(t, requested, authorized, releaseHeard, attempted(payment.Void, 0), no(payment.Void)).When(retry).
			Then(facts(lifted(payment.Void), attempted(payment.Void, 1))...).ThenJobs(asks(payment.Void, 1))
		given(t, requestedAtOnce, authorizedQuiet, capturedAtOnce, releaseHeard, attempted(payment.Refund, 0), no(payment.Refund)).
			When(retry).
			Then(facts(lifted(payment.Refund), attempted(payment.Refund, 1))...).ThenJobs(asks(payment.Refund, 1))
	})
	t.Run("refused again, and again retried: yet another key", func(t *testing.T) {
		past := append(captureRefused, lifted(payment.Capture), attempted(payment.Capture, 1), no(payment.Capture))
		given(t, past...).When(retry).
			Then(facts(lifted(payment.Capture), attempted(payment.Capture, 2))...).ThenJobs(asks(payment.Capture, 2))
	})
	t.Run("under way: a second click finds nothing to retry", func(t *testing.T) {
		given(t, append(captureRefused, lifted(payment.Capture), attempted(payment.Capture, 1))...).
			When(retry).ThenRefused("conflict")
	})
	t.Run("a capture at once and its void were refused: the capture is tried again", func(t *testing.T) {
		given(t, requestedAtOnce, authorizedQuiet, attempted(payment.Capture, 0),
			payment.Refused{Operation: payment.Capture, Code: "capture_refused"},
			attempted(payment.Void, 0), no(payment.Void)).When(retry).
			Then(facts(lifted(payment.Capture), lifted(payment.Void), attempted(payment.Capture, 1))...).
			ThenJobs(asks(payment.Capture, 1))
	})
	t.Run("nothing needs attention", func(t *testing.T) {
		given(t, requested, attempted(payment.Authorize, 0)).When(retry).ThenRefused("conflict")
		given(t, requested, payment.Refused{Operation: payment.Authorize, Code: "card_declined"}).When(retry).ThenRefused("conflict")
		given(t, requestedAtOnce, authorizedQuiet, attempted(payment.Capture, 0),
			payment.Refused{Operation: payment.Capture, Code: "capture_refused"}, attempted(payment.Void, 0)).
			When(retry).ThenRefused("conflict")
	})
	t.Run("no such payment", func(t *testing.T) {
		given(t).When(retry).ThenRefused("not-found")
	})
}
