package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/contracts"
	"waybill.dev/platform/outside"
	"waybill.dev/services/payments/payment"
	"waybill.dev/simulators/provider"
)

var total = contracts.Money{Amount: 4998, Currency: "EUR"}

// simulator is the adapter to a running provider.
func simulator(t *testing.T, config provider.Config) *Provider {
	t.Helper()
	return connect(t, run(t, config))
}

// run runs a provider, and says where.
func run(t *testing.T, config provider.Config) string {
	t.Helper()
	config.Listen = "127.0.0.1:0"
	server, err := provider.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return server.URL()
}

func connect(t *testing.T, url string) *Provider {
	t.Helper()
	p, err := NewProvider(url)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func authorize(order string, token payment.Token) Request {
	return Request{
		Operation: payment.Authorize, Key: "acme/" + order + "/authorize/0", Reference: "acme/" + order,
		Amount: total, Token: token,
	}
}

func follow(order string, op payment.Operation, n int, authorized payment.Outcome) Request {
	return Request{
		Operation: op, Key: fmt.Sprintf("acme/%s/%s/%d", order, op, n), Reference: "acme/" + order,
		Payment: authorized.Reference, Amount: total,
	}
}

func must(t *testing.T, p *Provider, r Request) payment.Outcome {
	t.Helper()
	o, err := p.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if o.Operation != r.Operation || o.Key != r.Key {
		t.Fatalf("%s %s was answered by %+v", r.Operation, r.Key, o)
	}
	return o
}

func TestAPaymentGoesAllItsWays(t *testing.T) {
	t.Parallel()
	p := simulator(t, provider.Config{})

	held := must(t, p, authorize("a", "tok_ok"))
	if held.Code != "" || held.Reference == "" || !held.ExpiresAt.After(time.Now()) {
		t.Fatalf("authorized: %+v", held)
	}
	taken := must(t, p, follow("a", payment.Capture, 0, held))
	back := must(t, p, follow("a", payment.Refund, 0, held))
	held = must(t, p, authorize("b", "tok_ok"))
	gone := must(t, p, follow("b", payment.Void, 0, held))
	for _, o := range []payment.Outcome{taken, back, gone} {
		if o.Code != "" || o.Reference == "" {
			t.Errorf("%+v", o)
		}
	}
	if again := must(t, p, follow("b", payment.Void, 0, held)); again != gone {
		t.Errorf("the same key again: %+v, want %+v", again, gone)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	p := simulator(t, provider.Config{AuthorizationLifetime: time.Nanosecond})
	for token, code := range map[payment.Token]string{
		"tok_declined": "card_declined", "tok_insufficient_funds": "insufficient_funds", "tok_never_heard_of": "unknown_token",
	} {
		if o := must(t, p, authorize(string(token), token)); o.Code != code {
			t.Errorf("%#v: %q, want %q", o, o.Code, code)
		}
	}
	held := must(t, p, authorize("expires", "tok_ok"))
	if o := must(t, p, follow("expires", payment.Void, 0, held)); o.Code != payment.HoldExpired {
		t.Errorf("a void of an expired hold: %+v", o)
	}
}

// A connection that is cut, and a 500, are asked again at once under the same key.
func TestSilenceIsAskedAgain(t *testing.T) {
	t.Parallel()
	p := simulator(t, provider.Config{})
	for order, token := range map[string]payment.Token{"a": "tok_unanswered", "b": "tok_fails_once"} {
		held := must(t, p, authorize(order, token))
		must(t, p, follow(order, payment.Capture, 0, held))
		must(t, p, follow(order, payment.Refund, 0, held))
	}
}

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   payment.Outcome
		err    error
	}{
		{"done", 200, `{"id":"cap_1","status":"captured"}`, payment.Outcome{Reference: "cap_1"}, nil},
		{"created", 201, `{"id":"cap_1"}`, payment.Outcome{Reference: "cap_1"}, nil},
		{"done, but what?", 200, `{}`, payment.Outcome{}, outside.ErrUnknown},
		{"done, and cut short", 200, `{"id":"cap`, payment.Outcome{}, outside.ErrUnknown},
		{"no content", 204, ``, payment.Outcome{}, outside.ErrUnknown},
		{"refused", 402, `{"code":"capture_refused"}`, payment.Outcome{Code: "capture_refused"}, nil},
		{"refused, 422", 422, `{"code":"unknown_token"}`, payment.Outcome{Code: "unknown_token"}, nil},
		{"refused without a code", 402, `{}`, payment.Outcome{}, outside.ErrRejected},
		{"refused, unreadable", 402, `<html>`, payment.Outcome{}, outside.ErrRejected},
		{"refused with a letter", 402, `{"code":"Dear customer, …"}`, payment.Outcome{}, outside.ErrRejected},
		{"bad request", 400, `{"code":"invalid_request"}`, payment.Outcome{}, outside.ErrRejected},
		{"who are you?", 401, `{}`, payment.Outcome{}, outside.ErrRejected},
		{"forbidden", 403, ``, payment.Outcome{}, outside.ErrRejected},
		{"no such payment", 404, `{"code":"unknown_payment"}`, payment.Outcome{}, outside.ErrRejected},
		{"key reused", 409, `{"code":"key_reused"}`, payment.Outcome{}, outside.ErrRejected},
		{"elsewhere", 307, ``, payment.Outcome{}, outside.ErrRejected},
		{"request timeout", 408, ``, payment.Outcome{}, outside.ErrUnknown},
		{"too many", 429, `{"code":"slow_down"}`, payment.Outcome{}, outside.ErrUnknown},
		{"broken", 500, `{"code":"capture_refused"}`, payment.Outcome{}, outside.ErrUnknown},
		{"overloaded", 503, ``, payment.Outcome{}, outside.ErrUnknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}))
			defer server.Close()
			r := follow("a", payment.Capture, 0, payment.Outcome{Reference: "pay_1"})
			got, err := connect(t, server.URL).Do(t.Context(), r)
			if !errors.Is(err, tc.err) {
				t.Fatalf("error %v, want %v", err, tc.err)
			}
			if tc.err == nil {
				tc.want.Operation, tc.want.Key = r.Operation, r.Key
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			want := int32(1)
			if errors.Is(tc.err, outside.ErrUnknown) {
				want = 3
			}
			if calls.Load() != want {
				t.Errorf("asked %d times, want %d", calls.Load(), want)
			}
		})
	}
}

func TestRequestOnTheWire(t *testing.T) {
	t.Parallel()
	type wire struct {
		Path, Key string
		Body      map[string]any
	}
	requests := make(chan wire, 4)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := wire{Path: r.Method + " " + r.URL.EscapedPath(), Key: r.Header.Get("Idempotency-Key")}
		if err := json.NewDecoder(r.Body).Decode(&asked.Body); err != nil {
			t.Error(err)
		}
		requests <- asked
		_, _ = io.WriteString(w, `{"id":"x"}`)
	}))
	defer server.Close()
	p := connect(t, server.URL+"/")
	held := payment.Outcome{Reference: "pay_/1"}
	money := map[string]any{"amount": float64(4998), "currency": "EUR"}
	for _, tc := range []struct {
		request Request
		want    wire
	}{
		{authorize("a", "tok_ok"), wire{"POST /v1/payments", "acme/a/authorize/0",
			map[string]any{"reference": "acme/a", "amount": money, "token": "tok_ok"}}},
		{follow("a", payment.Capture, 0, held), wire{"POST /v1/payments/pay_%2F1/capture", "acme/a/capture/0",
			map[string]any{"amount": money}}},
		{follow("a", payment.Refund, 2, held), wire{"POST /v1/payments/pay_%2F1/refund", "acme/a/refund/2",
			map[string]any{"amount": money}}},
		{follow("a", payment.Void, 0, held), wire{"POST /v1/payments/pay_%2F1/void", "acme/a/void/0", map[string]any{}}},
	} {
		must(t, p, tc.request)
		if diff := cmp.Diff(tc.want, <-requests); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.request.Operation, diff)
		}
	}
}

// A provider that stays silent is not asked for a while, and is found again when it is back.
func TestBreaker(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	var well atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if !well.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"id":"pay_1"}`)
	}))
	defer server.Close()
	p := connect(t, server.URL)
	deadline := time.Now().Add(30 * time.Second)
	for p.System().State() == outside.Closed {
		if time.Now().After(deadline) {
			t.Fatal("the breaker never opens")
		}
		if _, err := p.Do(t.Context(), authorize("a", "tok_ok")); !errors.Is(err, outside.ErrUnknown) {
			t.Fatalf("error %v", err)
		}
	}
	before := calls.Load()
	if _, err := p.Do(t.Context(), authorize("a", "tok_ok")); !errors.Is(err, outside.ErrUnknown) {
		t.Fatalf("error %v", err)
	}
	if calls.Load() != before {
		t.Error("the provider was asked with the breaker open")
	}
	well.Store(true)
	for {
		if _, err := p.Do(t.Context(), authorize("a", "tok_ok")); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("never closed again: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if p.System().State() != outside.Closed {
		t.Error("the breaker is open after an answer")
	}
}

// An error shows nothing of the token.
func TestErrorsAreFreeOfSecrets(t *testing.T) {
	t.Parallel()
	p := connect(t, "http://127.0.0.1:1")
	_, err := p.Do(t.Context(), authorize("a", "tok_very_secret"))
	if !errors.Is(err, outside.ErrUnknown) {
		t.Fatalf("error %v", err)
	}
	if strings.Contains(err.Error(), "tok_very_secret") {
		t.Errorf("the error shows the token: %v", err)
	}
}

func TestNewProviderRefusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "127.0.0.1:9081", "ftp://provider", "http://", "http://[::1"} {
		if _, err := NewProvider(base); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
}
