package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/outside"
	"waybill.dev/services/payments/payment"
)

// Provider is the payment provider over HTTP.
type Provider struct {
	http   *outside.HTTP
	system *outside.System
}

// NewProvider is the provider at an absolute http or https URL.
func NewProvider(base string) (*Provider, error) {
	overHTTP, err := outside.NewHTTP("PROVIDER_URL", base)
	if err != nil {
		return nil, err
	}
	return &Provider{http: overHTTP, system: outside.NewSystem("provider")}, nil
}

// System is the provider as a system outside.
func (p *Provider) System() *outside.System { return p.system }

// Do asks the provider; see Gateway. It takes little more than 6 s.
func (p *Provider) Do(ctx context.Context, r Request) (payment.Outcome, error) {
	outcome, err := outside.Ask(ctx, p.system, func() (payment.Outcome, error) { return p.ask(ctx, r) })
	if err != nil {
		return payment.Outcome{}, fmt.Errorf("%s %s: %w", r.Operation, r.Key, err)
	}
	return outcome, nil
}

// The provider's API.
type (
	authorizeBody struct {
		Reference string          `json:"reference"`
		Amount    contracts.Money `json:"amount"`
		Token     payment.Token   `json:"token"`
	}
	amountBody struct {
		Amount contracts.Money `json:"amount"`
	}
	done struct {
		ID        string    `json:"id"`
		ExpiresAt time.Time `json:"expiresAt"`
	}
)

func (p *Provider) ask(ctx context.Context, r Request) (payment.Outcome, error) {
	path, body := "/v1/payments", any(struct{}{})
	if r.Operation != payment.Authorize {
		path += "/" + url.PathEscape(r.Payment) + "/" + string(r.Operation)
	}
	switch r.Operation {
	case payment.Authorize:
		body = authorizeBody{r.Reference, r.Amount, r.Token}
	case payment.Capture, payment.Refund:
		body = amountBody{r.Amount}
	case payment.Void:
	}
	answer, err := p.http.Post(ctx, path, r.Key, body)
	if err != nil {
		return payment.Outcome{}, err
	}
	return r.read(answer)
}

// read is what an answer to the request means.
func (r Request) read(answer outside.Answer) (payment.Outcome, error) {
	outcome := payment.Outcome{Operation: r.Operation, Key: r.Key}
	var told done
	switch {
	case answer.OK() && answer.Read(&told) == nil && told.ID != "":
		outcome.Reference, outcome.ExpiresAt = told.ID, told.ExpiresAt.UTC()
	case (answer.Status == http.StatusPaymentRequired || answer.Status == http.StatusUnprocessableEntity) && answer.Code != "":
		outcome.Code = answer.Code
	default:
		return payment.Outcome{}, answer.Undecided()
	}
	return outcome, nil
}
