package payment_test

import (
	"testing"

	"waybill.dev/contracts"
	"waybill.dev/services/payments/payment"
)

func TestTurnBack(t *testing.T) {
	back := payment.TurnBack(stream, payment.StockReleased, now)
	failed := payment.TurnBack(stream, payment.StockReservationFailed, now)
	failureHeard := payment.WayBackHeard{Cause: payment.StockReservationFailed}

	t.Run("voids the hold", func(t *testing.T) {
		given(t, requested, authorized).When(back).
			Then(facts(releaseHeard, attempted(payment.Void, 0))...).ThenJobs(asks(payment.Void, 0))
		given(t, requested, authorized).When(failed).
			Then(facts(failureHeard, attempted(payment.Void, 0))...).ThenJobs(asks(payment.Void, 0))
	})
	t.Run("refunds what was captured", func(t *testing.T) {
		given(t, requestedAtOnce, authorizedQuiet, capturedAtOnce).When(failed).
			Then(facts(failureHeard, attempted(payment.Refund, 0))...).ThenJobs(asks(payment.Refund, 0))
	})
	t.Run("before the order itself: there never will be a hold", func(t *testing.T) {
		given(t).When(back).Then(facts(releaseHeard, payment.Voided{})...).ThenJobs()
	})
	t.Run("while an outcome is unknown: waits for it", func(t *testing.T) {
		given(t, requested, attempted(payment.Authorize, 0)).When(back).Then(facts(releaseHeard)...).ThenJobs()
		given(t, requestedAtOnce, authorizedQuiet, attempted(payment.Capture, 0)).When(back).
			Then(facts(releaseHeard)...).ThenJobs()
	})
	t.Run("voids the hold whose capture was refused", func(t *testing.T) {
		given(t, requested, authorized, shipmentHeard, attempted(payment.Capture, 0),
			payment.Refused{Operation: payment.Capture, Code: "capture_refused", Attention: true}).When(back).
			Then(facts(releaseHeard, attempted(payment.Void, 0))...).ThenJobs(asks(payment.Void, 0))
	})
	t.Run("after a refused authorization: noted", func(t *testing.T) {
		given(t, requested, payment.Refused{Operation: payment.Authorize, Code: "card_declined"}).When(back).
			Then(facts(releaseHeard)...).ThenJobs()
	})
	t.Run("each cause counts once", func(t *testing.T) {
		given(t, releaseHeard, payment.Voided{}).When(back).ThenNothing()
		given(t, releaseHeard, payment.Voided{}).When(failed).Then(facts(failureHeard)...).ThenJobs()
	})
	t.Run("after it was settled by hand: noted", func(t *testing.T) {
		given(t, requested, authorized, payment.ResolutionHeard{}).When(back).Then(facts(releaseHeard)...).ThenJobs()
	})
	t.Run("an order that costs nothing is given nothing back", func(t *testing.T) {
		free := contracts.Money{Currency: "EUR"}
		given(t, payment.Requested{Amount: free}, payment.Authorized{Amount: free}).When(back).
			Then(facts(releaseHeard, payment.Voided{})...).ThenJobs()
	})
}
