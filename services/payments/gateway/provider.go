package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"

	"waybill.dev/contracts"
	"waybill.dev/platform/outside"
	"waybill.dev/services/payments/payment"
)

// maximalAnswer is far more than a provider's answer has, in bytes.
const maximalAnswer = 64 << 10

// Provider is the payment provider over HTTP.
type Provider struct {
	base   string
	client *http.Client
	system *outside.System[payment.Outcome]
}

// NewProvider is the provider at an absolute http or https URL.
func NewProvider(base string) (*Provider, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("PROVIDER_URL: %q is no http or https URL", base)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64 // the jobs that ask at the same time
	return &Provider{
		base: strings.TrimSuffix(u.String(), "/"),
		client: &http.Client{
			Transport: transport,
			Timeout:   outside.CallTimeout,
			// A token is not carried to wherever an answer points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		system: outside.NewSystem[payment.Outcome](),
	}, nil
}

// Open says whether the provider has been silent so often that it is not asked for a while.
func (p *Provider) Open() bool { return p.system.Open() }

// Do asks the provider; see Gateway. It takes little more than 6 s.
func (p *Provider) Do(ctx context.Context, r Request) (payment.Outcome, error) {
	outcome, err := p.system.Ask(ctx, func() (payment.Outcome, error) { return p.ask(ctx, r) })
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
	answer struct {
		ID        string    `json:"id"`
		ExpiresAt time.Time `json:"expiresAt"`
		// Code is the machine-readable reason of whatever is not a 2xx.
		Code string `json:"code"`
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
	encoded, err := json.Marshal(body)
	if err != nil {
		return payment.Outcome{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+path, bytes.NewReader(encoded))
	if err != nil {
		return payment.Outcome{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", r.Key)
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(request.Header))
	response, err := p.client.Do(request)
	if err != nil {
		return payment.Outcome{}, fmt.Errorf("%w: %w", outside.ErrUnknown, err)
	}
	defer response.Body.Close()
	var said answer
	data, err := io.ReadAll(io.LimitReader(response.Body, maximalAnswer))
	if err == nil && len(data) > 0 {
		err = json.Unmarshal(data, &said)
	}
	return understand(r, response.StatusCode, said, err)
}

// aCode is what may go into events and logs as a refusal's code.
var aCode = regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)

// understand says what the answer means for the operation. What is not certain is unknown.
func understand(r Request, status int, said answer, unreadable error) (payment.Outcome, error) {
	outcome := payment.Outcome{Operation: r.Operation, Key: r.Key}
	switch {
	case status >= 200 && status < 300:
		if unreadable != nil || said.ID == "" {
			return payment.Outcome{}, fmt.Errorf("%w: status %d without a result", outside.ErrUnknown, status)
		}
		outcome.Reference, outcome.ExpiresAt = said.ID, said.ExpiresAt.UTC()
		return outcome, nil
	case status == http.StatusPaymentRequired || status == http.StatusUnprocessableEntity:
		if unreadable != nil || !aCode.MatchString(said.Code) {
			return payment.Outcome{}, fmt.Errorf("%w: status %d without a code", ErrRejected, status)
		}
		outcome.Code = said.Code
		return outcome, nil
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500:
		return payment.Outcome{}, fmt.Errorf("%w: status %d", outside.ErrUnknown, status)
	case aCode.MatchString(said.Code):
		return payment.Outcome{}, fmt.Errorf("%w: status %d, %s", ErrRejected, status, said.Code)
	default:
		return payment.Outcome{}, fmt.Errorf("%w: status %d", ErrRejected, status)
	}
}
