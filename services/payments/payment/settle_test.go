package payment_test

import (
	"testing"

	"waybill.dev/services/payments/payment"
)

func TestSettleAuthorize(t *testing.T) {
	ok := payment.Settle(stream, done(payment.Authorize), now)
	asked := attempted(payment.Authorize, 0)

	t.Run("the money is held", func(t *testing.T) {
		given(t, requested, asked).When(ok).Then(facts(authorized)...).ThenJobs()
	})
	t.Run("captured at once", func(t *testing.T) {
		given(t, requestedAtOnce, asked).When(ok).
			Then(facts(authorizedQuiet, attempted(payment.Capture, 0))...).ThenJobs(asks(payment.Capture, 0))
	})
	t.Run("the order turned back meanwhile: voided", func(t *testing.T) {
		given(t, requested, asked, releaseHeard).When(ok).
			Then(facts(authorized, attempted(payment.Void, 0))...).ThenJobs(asks(payment.Void, 0))
		given(t, requestedAtOnce, asked, releaseHeard).When(ok).
			Then(facts(authorizedQuiet, attempted(payment.Void, 0))...).ThenJobs(asks(payment.Void, 0))
	})
	t.Run("the parcel has gone meanwhile: captured", func(t *testing.T) {
		given(t, requested, asked, shipmentHeard).When(ok).
			Then(facts(authorized, attempted(payment.Capture, 0))...).ThenJobs(asks(payment.Capture, 0))
	})
	t.Run("refused: the payment has failed", func(t *testing.T) {
		given(t, requested, asked).When(payment.Settle(stream, refused(payment.Authorize, "card_declined"), now)).
			Then(facts(payment.Refused{Operation: payment.Authorize, Code: "card_declined"})...).ThenJobs()
	})
	t.Run("an outcome that was noted before: nothing", func(t *testing.T) {
		given(t, requested, asked, authorized).When(ok).ThenNothing()
		given(t, requested, asked, authorized).
			When(payment.Settle(stream, refused(payment.Authorize, "card_declined"), now)).ThenNothing()
	})
	t.Run("an outcome that nobody waits for: nothing", func(t *testing.T) {
		given(t).When(ok).ThenNothing()
	})
}

func TestSettleCapture(t *testing.T) {
	ok := payment.Settle(stream, done(payment.Capture), now)
	no := payment.Settle(stream, refused(payment.Capture, "capture_refused"), now)
	asked := []payment.Fact{requested, authorized, shipmentHeard, attempted(payment.Capture, 0)}
	atOnce := []payment.Fact{requestedAtOnce, authorizedQuiet, attempted(payment.Capture, 0)}

	t.Run("the money is taken", func(t *testing.T) {
		given(t, asked...).When(ok).Then(facts(captured)...).ThenJobs()
		given(t, atOnce...).When(ok).Then(facts(capturedAtOnce)...).ThenJobs()
	})
	t.Run("refused: a person must look", func(t *testing.T) {
		given(t, asked...).When(no).Then(facts(
			payment.Refused{Operation: payment.Capture, Code: "capture_refused", Attention: true})...).ThenJobs()
	})
	t.Run("at once and refused: voided", func(t *testing.T) {
		given(t, atOnce...).When(no).Then(facts(
			payment.Refused{Operation: payment.Capture, Code: "capture_refused"}, attempted(payment.Void, 0))...).
			ThenJobs(asks(payment.Void, 0))
	})
	t.Run("the order turned back meanwhile", func(t *testing.T) {
		given(t, append(atOnce, releaseHeard)...).When(ok).
			Then(facts(capturedAtOnce, attempted(payment.Refund, 0))...).ThenJobs(asks(payment.Refund, 0))
		given(t, append(atOnce, releaseHeard)...).When(no).Then(facts(
			payment.Refused{Operation: payment.Capture, Code: "capture_refused"}, attempted(payment.Void, 0))...).
			ThenJobs(asks(payment.Void, 0))
	})
	t.Run("an outcome of another key: nothing", func(t *testing.T) {
		late := done(payment.Capture)
		late.Key = key(payment.Capture, 1)
		given(t, asked...).When(payment.Settle(stream, late, now)).ThenNothing()
		given(t, asked...).When(payment.Settle(stream, done(payment.Authorize), now)).ThenNothing()
	})
}

func TestSettleVoid(t *testing.T) {
	ok := payment.Settle(stream, done(payment.Void), now)
	no := payment.Settle(stream, refused(payment.Void, "void_refused"), now)
	expired := payment.Settle(stream, refused(payment.Void, payment.HoldExpired), now)
	back := []payment.Fact{requested, authorized, releaseHeard, attempted(payment.Void, 0)}
	captureFailed := []payment.Fact{
		requestedAtOnce, authorizedQuiet, attempted(payment.Capture, 0),
		payment.Refused{Operation: payment.Capture, Code: "capture_refused"}, attempted(payment.Void, 0),
	}

	t.Run("the hold is gone", func(t *testing.T) {
		given(t, back...).When(ok).Then(facts(payment.Voided{Reference: "void_1"})...).ThenJobs()
	})
	t.Run("it had expired: as good as voided", func(t *testing.T) {
		given(t, back...).When(expired).Then(facts(payment.Voided{Code: payment.HoldExpired})...).ThenJobs()
		given(t, captureFailed...).When(expired).Then(facts(
			payment.Voided{Code: payment.HoldExpired, FailedWith: "capture_refused"})...).ThenJobs()
	})
	t.Run("refused: a person must look", func(t *testing.T) {
		given(t, back...).When(no).
			Then(facts(payment.Refused{Operation: payment.Void, Code: "void_refused", Attention: true})...).ThenJobs()
	})
	t.Run("after a refused capture at once: the payment has failed", func(t *testing.T) {
		given(t, captureFailed...).When(ok).
			Then(facts(payment.Voided{Reference: "void_1", FailedWith: "capture_refused"})...).ThenJobs()
	})
	t.Run("after a refused capture at once, turned back meanwhile: voided", func(t *testing.T) {
		given(t, append(captureFailed, releaseHeard)...).When(ok).
			Then(facts(payment.Voided{Reference: "void_1"})...).ThenJobs()
	})
}

func TestSettleRefund(t *testing.T) {
	asked := []payment.Fact{requestedAtOnce, authorizedQuiet, capturedAtOnce, releaseHeard, attempted(payment.Refund, 0)}

	t.Run("the money went back", func(t *testing.T) {
		given(t, asked...).When(payment.Settle(stream, done(payment.Refund), now)).Then(facts(refunded)...).ThenJobs()
	})
	t.Run("refused: a person must look", func(t *testing.T) {
		given(t, asked...).When(payment.Settle(stream, refused(payment.Refund, "refund_refused"), now)).
			Then(facts(payment.Refused{Operation: payment.Refund, Code: "refund_refused", Attention: true})...).ThenJobs()
	})
}
