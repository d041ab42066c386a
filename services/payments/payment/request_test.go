package payment_test

import (
	"testing"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/payments/payment"
)

func request(total contracts.Money, settings payment.Settings) es.Command {
	return payment.Request(stream, contracts.OrderPlaced{
		Total: total, Payment: contracts.PaymentMethod{Method: "card", Token: string(secret)},
	}, settings, now)
}

func TestRequest(t *testing.T) {
	free := contracts.Money{Currency: "EUR"}
	settings, atOnce := payment.Settings{}, payment.Settings{CaptureAtOnce: true}

	t.Run("asks for the authorization", func(t *testing.T) {
		given(t).When(request(total, settings)).
			Then(facts(requested, attempted(payment.Authorize, 0))...).
			ThenJobs(asks(payment.Authorize, 0))
	})
	t.Run("records the tenant's setting", func(t *testing.T) {
		given(t).When(request(total, atOnce)).
			Then(facts(requestedAtOnce, attempted(payment.Authorize, 0))...).
			ThenJobs(asks(payment.Authorize, 0))
	})
	t.Run("again: nothing", func(t *testing.T) {
		given(t, requested, attempted(payment.Authorize, 0)).When(request(total, settings)).ThenNothing()
	})
	t.Run("late, after the way back: noted, and nothing is authorized", func(t *testing.T) {
		given(t, releaseHeard, payment.Voided{}).When(request(total, settings)).Then(facts(requested)...).ThenJobs()
	})
	t.Run("late, after it was settled by hand: noted", func(t *testing.T) {
		given(t, payment.ResolutionHeard{}).When(request(total, settings)).Then(facts(requested)...).ThenJobs()
	})
	t.Run("costs nothing: the provider is not asked", func(t *testing.T) {
		given(t).When(request(free, settings)).Then(facts(
			payment.Requested{Amount: free, Token: secret}, payment.Authorized{Amount: free})...).ThenJobs()
	})
	t.Run("costs nothing, captured at once", func(t *testing.T) {
		given(t).When(request(free, atOnce)).Then(facts(
			payment.Requested{Amount: free, Token: secret, CaptureAtOnce: true},
			payment.Authorized{Amount: free, AtOnce: true},
			payment.Captured{Amount: free, AtOnce: true})...).ThenJobs()
	})
	t.Run("makes no sense: refused, and kept apart for a person", func(t *testing.T) {
		for _, order := range []contracts.OrderPlaced{
			{Total: contracts.Money{Amount: -1, Currency: "EUR"}, Payment: contracts.PaymentMethod{Token: "tok_ok"}},
			{Total: contracts.Money{Amount: 1}, Payment: contracts.PaymentMethod{Token: "tok_ok"}},
			{Total: total},
		} {
			given(t).When(payment.Request(stream, order, settings, now)).ThenRefused(es.Invalid)
		}
	})
}
