package payment_test

import (
	"testing"

	"waybill.dev/contracts"
	"waybill.dev/services/payments/payment"
)

func TestShip(t *testing.T) {
	ship := payment.Ship(stream, now)

	t.Run("asks for the capture", func(t *testing.T) {
		given(t, requested, authorized).When(ship).
			Then(facts(shipmentHeard, attempted(payment.Capture, 0))...).
			ThenJobs(asks(payment.Capture, 0))
	})
	t.Run("again: nothing", func(t *testing.T) {
		given(t, requested, authorized, shipmentHeard, attempted(payment.Capture, 0)).When(ship).ThenNothing()
	})
	t.Run("before the authorization is answered: waits for it", func(t *testing.T) {
		given(t, requested, attempted(payment.Authorize, 0)).When(ship).Then(facts(shipmentHeard)...).ThenJobs()
	})
	t.Run("before the order itself: noted", func(t *testing.T) {
		given(t).When(ship).Then(facts(shipmentHeard)...).ThenJobs()
	})
	t.Run("captured at once before: noted", func(t *testing.T) {
		given(t, requestedAtOnce, authorizedQuiet, capturedAtOnce).When(ship).Then(facts(shipmentHeard)...).ThenJobs()
	})
	t.Run("an order that costs nothing is paid", func(t *testing.T) {
		free := contracts.Money{Currency: "EUR"}
		given(t, payment.Requested{Amount: free}, payment.Authorized{Amount: free}).When(ship).
			Then(facts(shipmentHeard, payment.Captured{Amount: free})...).ThenJobs()
	})
}
