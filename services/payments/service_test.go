package payments_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"waybill.dev/contracts"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/server"
	"waybill.dev/platform/servicetest"
	"waybill.dev/services/payments"
	"waybill.dev/simulators/provider"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	acme  = "acme"
	quick = "quick" // captures at once
)

var (
	total      = contracts.Money{Amount: 4998, Currency: "EUR"}
	authorized = contracts.PaymentAuthorized{Amount: total}
	captured   = contracts.PaymentCaptured{Amount: total}
	refunded   = contracts.PaymentRefunded{Amount: total}
	voided     = contracts.PaymentVoided{}
	shipped    = contracts.OrderShipped{Carrier: "Simulated Parcel", TrackingNumber: "SP1"}
	released   = contracts.StockReleased{}
	outOfStock = contracts.StockReservationFailed{Shortages: []contracts.Shortage{{SKU: "MUG", Wanted: 1}}}
)

func placed(token string) contracts.OrderPlaced {
	return contracts.OrderPlaced{Total: total, Payment: contracts.PaymentMethod{Method: "card", Token: token}}
}

// suite is payments and the books of its payment provider.
type suite struct {
	*servicetest.Service
	provider string
}

func start(t *testing.T, providerURL string) suite {
	t.Helper()
	s := suite{provider: providerURL}
	s.Service = servicetest.Start(t, "payments", nil, func(c server.Config) (server.Service, error) {
		return payments.New(payments.Config{Config: c, ProviderURL: providerURL})
	}, "tenants:\n  quick:\n    captureAtOnce: true\n")
	s.readyz(t, "ready")
	return s
}

// simulator runs a payment provider.
func simulator(t *testing.T, listen string) string {
	t.Helper()
	p, err := provider.New(provider.Config{Listen: listen})
	if err != nil {
		t.Fatal(err)
	}
	servicetest.Run(t, p.Run)
	return p.URL()
}

// readyz waits until payments says this of itself.
func (s suite) readyz(t *testing.T, status string, degraded ...string) {
	t.Helper()
	var r servicetest.Response
	servicetest.Eventually(t, func() bool {
		r = s.Call(t, "", http.MethodGet, "/readyz", nil)
		var said struct {
			Status   string
			Degraded []string
		}
		return json.Unmarshal(r.Body, &said) == nil && said.Status == status && slices.Equal(said.Degraded, degraded)
	}, func() string { return "readyz is never " + status + ": " + string(r.Body) })
}

// order is one order of a tenant.
type order struct {
	servicetest.Order
	suite
}

func (s suite) order(tenant string) order { return order{s.Order(tenant), s} }

func (o order) path() string { return "/v1/payments/" + o.ID }

// says waits until payments has said exactly this of the order. What only the provider knows is held against its
// books by wantBooks.
func (o order) says(t *testing.T, want ...contracts.Event) {
	t.Helper()
	o.Says(t, want,
		cmpopts.IgnoreFields(contracts.PaymentAuthorized{}, "ProviderReference", "ExpiresAt"),
		cmpopts.IgnoreFields(contracts.PaymentCaptured{}, "ProviderReference"),
		cmpopts.IgnoreFields(contracts.PaymentRefunded{}, "ProviderReference"))
	for _, m := range o.Said() {
		if m.CorrelationID != "correlation-"+o.ID || m.CausationID == "" || m.PartitionKey != o.ID {
			t.Errorf("envelope: %+v", m)
		}
	}
}

// shown waits until the payment is shown like this.
func (o order) shown(t *testing.T, holds func(payments.Payment) bool) payments.Payment {
	t.Helper()
	var p payments.Payment
	var r servicetest.Response
	servicetest.Eventually(t, func() bool {
		if r = o.call(t, http.MethodGet, ""); r.Status != http.StatusOK {
			return false
		}
		p = payments.Payment{}
		r.JSON(t, &p)
		return holds(p)
	}, func() string { return "never shown as wanted: " + string(r.Body) })
	return p
}

func status(want string) func(payments.Payment) bool {
	return func(p payments.Payment) bool { return string(p.Status) == want }
}

func (o order) call(t *testing.T, method, route string, headers ...string) servicetest.Response {
	t.Helper()
	return o.suite.Call(t, o.Tenant, method, o.path()+route, nil, append(headers, "X-Correlation-ID", "correlation-"+o.ID)...)
}

// atProvider makes a request of the simulator itself.
func (o order) atProvider(t *testing.T, method, path string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, o.provider+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, path, response.StatusCode, body, err)
	}
	return body
}

// wantBooks holds the provider's books against what is wanted, and against what was said.
func (o order) wantBooks(t *testing.T, status string, operations ...string) {
	t.Helper()
	var page provider.PaymentPage
	body := o.atProvider(t, http.MethodGet, "/v1/payments?reference="+o.Tenant+"/"+o.ID)
	if err := json.Unmarshal(body, &page); err != nil || len(page.Payments) != 1 {
		t.Fatalf("the provider's books: %v %s", err, body)
	}
	books := page.Payments[0]
	var got []string
	for _, op := range books.Operations {
		got = append(got, strings.TrimPrefix(op.Key, o.Tenant+"/"+o.ID+"/")+" "+op.Status)
	}
	if diff := cmp.Diff(operations, got); diff != "" || books.Status != status {
		t.Errorf("the provider's books: %s, want %s; operations (-want +got):\n%s", books.Status, status, diff)
	}
	for _, m := range o.Said() {
		var reference string
		switch e := m.Data.(type) { //nolint:gochecksumtype // the others have no reference
		case contracts.PaymentAuthorized:
			reference = e.ProviderReference
			if !e.ExpiresAt.Equal(*books.ExpiresAt) {
				t.Errorf("the hold ends at %s, and was said to at %s", books.ExpiresAt, e.ExpiresAt)
			}
		case contracts.PaymentCaptured:
			reference = e.ProviderReference
		case contracts.PaymentRefunded:
			reference = e.ProviderReference
		default:
			continue
		}
		if reference != books.ID {
			t.Errorf("%s names the payment %q, the provider %q", m.Data.Type(), reference, books.ID)
		}
	}
}

// Every way a payment can go: HTTP and Kafka in, Kafka out, the provider's books at the end.
func TestService(t *testing.T) {
	t.Parallel()
	s := start(t, simulator(t, "127.0.0.1:0"))
	t.Cleanup(func() { // after all ways
		for _, secret := range []string{"tok_ok", "tok_declined", "tok_unanswered", "tok_refuse_capture"} {
			if strings.Contains(s.Log.String(), secret) {
				t.Errorf("the log shows the token %s", secret)
			}
		}
	})

	for _, way := range []struct {
		name   string
		token  string
		then   []contracts.Event // heard one after the other, each once the one before is answered
		says   []contracts.Event // after order-placed, and after each of then
		status string
		books  string
		asked  []string
	}{
		{
			"taken when the parcel has gone", "tok_ok", []contracts.Event{shipped}, []contracts.Event{authorized, captured},
			"captured", "captured", []string{"authorize/0 succeeded", "capture/0 succeeded"},
		},
		{
			"declined", "tok_declined", nil, []contracts.Event{contracts.PaymentFailed{Code: "card_declined"}},
			"failed", "declined", []string{"authorize/0 refused"},
		},
		{
			"out of stock", "tok_ok", []contracts.Event{outOfStock}, []contracts.Event{authorized, voided},
			"voided", "voided", []string{"authorize/0 succeeded", "void/0 succeeded"},
		},
		{
			"nothing is answered at once, forward", "tok_unanswered", []contracts.Event{shipped},
			[]contracts.Event{authorized, captured},
			"captured", "captured", []string{"authorize/0 succeeded", "capture/0 succeeded"},
		},
		{
			"nothing is answered at once, back", "tok_unanswered", []contracts.Event{released},
			[]contracts.Event{authorized, voided},
			"voided", "voided", []string{"authorize/0 succeeded", "void/0 succeeded"},
		},
		{
			"everything fails once", "tok_fails_once", []contracts.Event{shipped}, []contracts.Event{authorized, captured},
			"captured", "captured", []string{"authorize/0 succeeded", "capture/0 succeeded"},
		},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			o := s.order(acme)
			o.Hears(t, placed(way.token))
			o.says(t, way.says[0])
			for i, e := range way.then {
				o.Hears(t, e)
				o.says(t, way.says[:i+2]...)
			}
			o.shown(t, status(way.status))
			o.wantBooks(t, way.books, way.asked...)
		})
	}

	t.Run("at once, and refunded", func(t *testing.T) {
		t.Parallel()
		o := s.order(quick)
		o.Hears(t, placed("tok_ok"))
		o.says(t, authorized, captured)
		o.Hears(t, outOfStock)
		o.says(t, authorized, captured, refunded)
		p := o.shown(t, status("refunded"))
		money := payments.Money(total)
		if p.Authorized != money || p.Captured != money || p.Refunded != money || p.Attention != "" {
			t.Errorf("%+v", p)
		}
		o.wantBooks(t, "refunded", "authorize/0 succeeded", "capture/0 succeeded", "refund/0 succeeded")
	})

	t.Run("at once, and the capture is refused: failed", func(t *testing.T) {
		t.Parallel()
		o := s.order(quick)
		o.Hears(t, placed("tok_refuse_capture"))
		o.says(t, contracts.PaymentFailed{Code: "capture_refused"})
		if p := o.shown(t, status("failed")); p.Captured.Amount != 0 || p.Attention != "" {
			t.Errorf("%+v", p)
		}
		o.wantBooks(t, "voided", "authorize/0 succeeded", "capture/0 refused", "void/0 succeeded")
	})

	t.Run("turned back before it is placed: nothing is ever asked", func(t *testing.T) {
		t.Parallel()
		o := s.order(acme)
		o.Hears(t, released)
		o.says(t, voided)
		o.Hears(t, placed("tok_ok"))
		p := o.shown(t, func(p payments.Payment) bool { return p.Authorized.Currency == "EUR" })
		if p.Status != "voided" || len(p.Attempts) != 0 || p.Authorized.Amount != 0 {
			t.Errorf("%+v", p)
		}
		o.says(t, voided)
	})

	t.Run("an order that costs nothing", func(t *testing.T) {
		t.Parallel()
		o := s.order(acme)
		free := contracts.Money{Currency: "EUR"}
		o.Hears(t, contracts.OrderPlaced{Total: free, Payment: contracts.PaymentMethod{Method: "card", Token: "tok_ok"}})
		o.says(t, contracts.PaymentAuthorized{Amount: free})
		o.Hears(t, shipped)
		o.says(t, contracts.PaymentAuthorized{Amount: free}, contracts.PaymentCaptured{Amount: free})
	})

	t.Run("settled by hand: nothing more is begun", func(t *testing.T) {
		t.Parallel()
		o := s.order(acme)
		o.Hears(t, contracts.OrderResolved{Outcome: "cancelled", ResolvedBy: "ops", Reason: "by hand"})
		o.shown(t, status("resolved"))
		o.Hears(t, placed("tok_ok"))
		p := o.shown(t, func(p payments.Payment) bool { return p.Authorized.Currency == "EUR" })
		if p.Status != "resolved" || len(p.Attempts) != 0 {
			t.Errorf("%+v", p)
		}
	})

	t.Run("the capture is refused, and retried by an operator", func(t *testing.T) {
		t.Parallel()
		o := s.order(acme)
		refused := contracts.PaymentAttentionRequired{Operation: "capture", Code: "capture_refused"}
		o.Hears(t, placed("tok_refuse_capture"))
		o.says(t, authorized)
		o.Hears(t, shipped)
		o.says(t, authorized, refused)
		p := o.shown(t, status("authorized"))
		if p.Attention != "capture refused: capture_refused" {
			t.Errorf("attention %q", p.Attention)
		}
		want := []payments.Attempt{
			{Operation: "authorize", Key: o.Tenant + "/" + o.ID + "/authorize/0", Status: "succeeded"},
			{Operation: "capture", Key: o.Tenant + "/" + o.ID + "/capture/0", Status: "refused", Code: "capture_refused"},
		}
		if diff := cmp.Diff(want, p.Attempts, cmpopts.IgnoreFields(payments.Attempt{}, "ProviderReference", "At")); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if age := time.Since(p.Attempts[1].At); age < 0 || age > time.Minute || p.Attempts[0].ProviderReference == "" {
			t.Errorf("attempts: %+v", p.Attempts)
		}

		o.atProvider(t, http.MethodPost, "/v1/payments/"+o.Tenant+"/"+o.ID+"/allow")
		first := o.call(t, http.MethodPost, "/retry", "Idempotency-Key", "once")
		if first.Status != http.StatusAccepted || first.Header.Get("Location") != o.path() {
			t.Fatalf("retry: %d %v %s", first.Status, first.Header, first.Body)
		}
		o.says(t, authorized, refused, captured)
		again := o.call(t, http.MethodPost, "/retry", "Idempotency-Key", "once")
		if again.Status != http.StatusAccepted || !bytes.Equal(first.Body, again.Body) {
			t.Errorf("the same request again: %d %s, want %s", again.Status, again.Body, first.Body)
		}
		if r := o.call(t, http.MethodPost, "/retry", "Idempotency-Key", "twice"); r.Status != http.StatusConflict {
			t.Errorf("nothing needs attention any more: %d %s", r.Status, r.Body)
		}
		if p := o.shown(t, status("captured")); p.Attention != "" {
			t.Errorf("attention %q", p.Attention)
		}
		o.wantBooks(t, "captured", "authorize/0 succeeded", "capture/0 refused", "capture/1 succeeded")
	})

	t.Run("a job that is done again comes to nothing", func(t *testing.T) {
		t.Parallel()
		o := s.order(acme)
		o.Hears(t, placed("tok_ok"))
		o.says(t, authorized)
		o.Hears(t, shipped)
		o.says(t, authorized, captured)
		db, err := pgx.Connect(t.Context(), s.Access.ServiceURL)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close(context.WithoutCancel(t.Context()))
		completed := func() (n int) {
			if err := db.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE state = 'completed' AND args @> jsonb_build_object('jobs', jsonb_build_array(jsonb_build_object('subject', $1::text)))`,
				o.ID).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		bothDone := func() bool { return completed() == 2 }
		never := func() string { return "the jobs are never completed" }
		servicetest.Eventually(t, bothDone, never)
		if _, err := db.Exec(t.Context(), `UPDATE river_job SET state = 'available', finalized_at = NULL WHERE args @> jsonb_build_object('jobs', jsonb_build_array(jsonb_build_object('subject', $1::text)))`,
			o.ID); err != nil {
			t.Fatal(err)
		}
		servicetest.Eventually(t, bothDone, never)
		o.says(t, authorized, captured)
		o.wantBooks(t, "captured", "authorize/0 succeeded", "capture/0 succeeded")
		if p := o.shown(t, status("captured")); len(p.Attempts) != 2 {
			t.Errorf("%+v", p)
		}
	})

	t.Run("no tenant sees another's", func(t *testing.T) {
		t.Parallel()
		o := s.order(acme)
		o.Hears(t, placed("tok_ok"))
		o.says(t, authorized)
		if r := o.call(t, http.MethodPost, "/retry"); r.Status != http.StatusConflict {
			t.Errorf("retry of what needs no attention: %d %s", r.Status, r.Body)
		}
		other := o
		other.Tenant = "other"
		for method, route := range map[string]string{http.MethodGet: "", http.MethodPost: "/retry"} {
			if r := other.call(t, method, route); r.Status != http.StatusNotFound {
				t.Errorf("%s by another tenant: %d %s", method, r.Status, r.Body)
			}
		}
	})

	t.Run("bad requests", func(t *testing.T) {
		t.Parallel()
		unknown := s.order(acme).path()
		for _, tc := range []struct {
			method, path, tenant, key string
			want                      int
		}{
			{http.MethodGet, unknown, acme, "", 404},
			{http.MethodPost, unknown + "/retry", acme, "", 404},
			{http.MethodGet, "/v1/payments/" + strings.Repeat("x", 65), acme, "", 422},
			{http.MethodPost, "/v1/payments/" + strings.Repeat("x", 65) + "/retry", acme, "", 422},
			{http.MethodGet, unknown, "No Tenant", "", 400},
			{http.MethodPost, unknown + "/retry", acme, strings.Repeat("k", 256), 400},
			{http.MethodDelete, unknown, acme, "", 405},
		} {
			var headers []string
			if tc.key != "" {
				headers = []string{"Idempotency-Key", tc.key}
			}
			r := s.Call(t, tc.tenant, tc.method, tc.path, nil, headers...)
			if r.Status != tc.want || r.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %.60s: %d, want %d: %s", tc.method, tc.path, r.Status, tc.want, r.Body)
			}
		}
	})

	t.Run("the API is described", func(t *testing.T) {
		t.Parallel()
		var api struct {
			Paths map[string]map[string]struct {
				Summary, Description string
				Parameters           []struct{ Name, Description string }
				Responses            map[string]any
			}
		}
		s.Call(t, "", http.MethodGet, "/openapi.json", nil).JSON(t, &api)
		for path, want := range map[string][2]string{
			"/v1/payments/{orderId}": {"get", "200"}, "/v1/payments/{orderId}/retry": {"post", "202"},
		} {
			op := api.Paths[path][want[0]]
			if op.Summary == "" || op.Description == "" || op.Responses[want[1]] == nil || op.Responses["404"] == nil {
				t.Errorf("%s is not described: %+v", path, op)
			}
			if !slices.ContainsFunc(op.Parameters, func(p struct{ Name, Description string }) bool {
				return p.Name == "orderId" && p.Description != ""
			}) {
				t.Errorf("%s does not describe the order's id: %+v", path, op.Parameters)
			}
		}
	})
}

// A provider that is away is asked until it is back; nothing is read into its silence.
func TestProviderAway(t *testing.T) {
	t.Parallel()
	away, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := away.Addr().String()
	if err := away.Close(); err != nil {
		t.Fatal(err)
	}
	s := start(t, "http://"+address)
	var orders []order
	for range 10 {
		o := s.order(acme)
		o.Hears(t, placed("tok_ok"))
		orders = append(orders, o)
	}
	s.readyz(t, "degraded", "breaker:provider")
	for _, o := range orders {
		o.Hears(t, released)
		if p := o.shown(t, status("pending")); len(p.Attempts) != 1 || p.Attempts[0].Status != "pending" {
			t.Errorf("%+v", p)
		}
	}
	simulator(t, address)
	for _, o := range orders {
		o.says(t, authorized, voided)
		o.wantBooks(t, "voided", "authorize/0 succeeded", "void/0 succeeded")
	}
	s.readyz(t, "ready")
}

// A provider that does not know us is no refusal: it is told to the log, and asked again under the same key.
// A provider that takes connections and never answers holds up neither HTTP, nor what is heard, nor what needs no provider,
// however many orders wait for it.
func TestASilentProviderHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, c) }()
		}
	}()
	s := start(t, "http://"+listener.Addr().String())
	var waiting []order
	for range 100 {
		o := s.order(acme)
		o.Hears(t, placed("tok_ok"))
		waiting = append(waiting, o)
	}
	for _, o := range waiting {
		o.shown(t, func(p payments.Payment) bool { return len(p.Attempts) == 1 && p.Attempts[0].Status == "pending" })
	}
	s.readyz(t, "degraded", "breaker:provider")
	turnedBack := s.order(acme)
	turnedBack.Hears(t, released)
	turnedBack.says(t, voided)
	for _, o := range waiting {
		o.says(t) // silence is no answer
	}
}

func TestProviderRejects(t *testing.T) {
	t.Parallel()
	var admitted atomic.Bool
	books, err := url.Parse(simulator(t, "127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(books)
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if admitted.Load() {
			proxy.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(door.Close)
	s := start(t, door.URL)
	s.provider = books.String()
	o := s.order(acme)
	o.Hears(t, placed("tok_ok"))
	servicetest.Eventually(t, func() bool { return strings.Contains(s.Log.String(), "does not take our request") },
		func() string { return "the log does not tell: " + s.Log.String() })
	if p := o.shown(t, status("pending")); p.Attention != "" || p.Attempts[0].Status != "pending" {
		t.Errorf("%+v", p)
	}
	admitted.Store(true)
	o.says(t, authorized)
	o.wantBooks(t, "authorized", "authorize/0 succeeded")
}
