package payments_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/contracts"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
	"waybill.dev/platform/server"
	"waybill.dev/services/payments"
	"waybill.dev/simulators/provider"
)

const (
	acme     = "acme"
	quick    = "quick" // captures at once
	patience = 40 * time.Second
)

var total = contracts.Money{Amount: 4998, Currency: "EUR"}

// suite is payments running on PostgreSQL and Kafka, beside a payment provider.
type suite struct {
	provider string
	url      string
	prefix   string
	kafka    *kgo.Client
	log      *lines

	mu    sync.Mutex
	heard map[string][]contracts.Message // by tenant and order
	seen  map[string]bool                // ids: a message may be sent twice
}

// lines is what the service logs.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// start runs payments against the provider at that URL.
func start(t *testing.T, providerURL string) *suite {
	t.Helper()
	brokers := brokers(t)
	s := &suite{
		provider: providerURL, prefix: "t" + strings.ReplaceAll(uuid.NewString(), "-", "") + ".",
		log: &lines{}, heard: map[string][]contracts.Message{}, seen: map[string]bool{},
	}
	topics := slices.DeleteFunc(contracts.Topics(), func(topic contracts.Topic) bool {
		heard := slices.ContainsFunc([]string{"order-placed", "order-shipped", "stock-released", "stock-reservation-failed", "order-resolved"},
			func(name string) bool { return strings.HasSuffix(topic.Name, "."+name) })
		return !heard && !strings.HasPrefix(topic.Name, "commerce.payments.")
	})
	if err := messaging.CreateTopics(t.Context(), brokers, s.prefix, topics); err != nil {
		t.Fatal(err)
	}

	admin := pgtest.Database(t, pgtest.Template{Name: "payments", Migrate: func(ctx context.Context, adminURL string) error {
		access, err := postgres.Provision(ctx, adminURL, "payments")
		if err != nil {
			return err
		}
		return postgres.Migrate(ctx, access["payments"].OwnerURL, "payments", nil)
	}})
	access, err := postgres.Provision(t.Context(), admin, "payments")
	if err != nil {
		t.Fatal(err)
	}
	config := payments.Defaults()
	config.Listen = "127.0.0.1:0"
	config.DatabaseURL = access["payments"].ServiceURL
	config.KafkaBrokers = brokers
	config.PublishPrefix, config.HearPrefix = s.prefix, s.prefix
	config.ProviderURL = providerURL
	config.TenantsFile = filepath.Join(t.TempDir(), "tenants.yaml")
	if err := os.WriteFile(config.TenantsFile, []byte("tenants:\n  quick:\n    captureAtOnce: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	service, err := payments.New(config)
	if err != nil {
		t.Fatal(err)
	}
	running, err := server.New(t.Context(), service, config.Config, server.Options{Logger: server.NewLogger(s.log, slog.LevelDebug)})
	if err != nil {
		t.Fatal(err)
	}
	s.url = running.URL()
	background(t, running.Run)

	var hear []string
	for _, topic := range topics {
		if strings.HasPrefix(topic.Name, "commerce.payments.") {
			hear = append(hear, s.prefix+topic.Name)
		}
	}
	if s.kafka, err = kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(hear...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())); err != nil {
		t.Fatal(err)
	}
	background(t, s.listen)
	s.readyz(t, "ready")
	return s
}

// background runs it until the test ends.
func background(t *testing.T, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// simulator runs a payment provider.
func simulator(t *testing.T, config provider.Config) string {
	t.Helper()
	if config.Listen == "" {
		config.Listen = "127.0.0.1:0"
	}
	p, err := provider.New(config)
	if err != nil {
		t.Fatal(err)
	}
	background(t, p.Run)
	return p.URL()
}

func (s *suite) listen(ctx context.Context) error {
	defer s.kafka.Close()
	for {
		fetched := s.kafka.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		var failed error
		fetched.EachRecord(func(r *kgo.Record) {
			headers := map[string]string{}
			for _, h := range r.Headers {
				headers[h.Key] = string(h.Value)
			}
			m, err := contracts.Decode(headers, r.Value)
			if err != nil {
				failed = err
				return
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if !s.seen[m.ID] {
				s.seen[m.ID] = true
				s.heard[m.Tenant+"/"+m.Subject] = append(s.heard[m.Tenant+"/"+m.Subject], m)
			}
		})
		if failed != nil {
			return failed
		}
	}
}

// order is one order of a tenant.
type order struct {
	*suite
	tenant, id string
}

func (s *suite) order(tenant string) order { return order{s, tenant, uuid.Must(uuid.NewV7()).String()} }

// hears brings the events to payments, each twice under its id and once more under another.
func (o order) hears(t *testing.T, events ...contracts.Event) {
	t.Helper()
	for _, e := range events {
		id := uuid.Must(uuid.NewV7()).String()
		for _, id := range []string{id, id, uuid.Must(uuid.NewV7()).String()} {
			record, err := contracts.Message{
				ID: id, Source: "/waybill/test", Subject: o.id, Time: time.Now(), Tenant: o.tenant,
				CorrelationID: "correlation-" + o.id, CausationID: "cause", PartitionKey: o.id, Sequence: 1, Data: e,
			}.Encode()
			if err != nil {
				t.Fatal(err)
			}
			r := &kgo.Record{Topic: o.prefix + record.Topic, Key: []byte(record.Key), Value: record.Value}
			for k, v := range record.Headers {
				r.Headers = append(r.Headers, kgo.RecordHeader{Key: k, Value: []byte(v)})
			}
			if err := o.kafka.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func placed(token string) contracts.OrderPlaced {
	return contracts.OrderPlaced{Total: total, Payment: contracts.PaymentMethod{Method: "card", Token: token}}
}

// says waits until payments has said this of the order since it was placed, in any order, and no more.
func (o order) says(t *testing.T, want ...contracts.Event) {
	t.Helper()
	names := func(events []contracts.Event) []string {
		var names []string
		for _, e := range events {
			names = append(names, fmt.Sprintf("%s %+v", e.Type(), e))
		}
		slices.Sort(names)
		return names
	}
	var diff string
	eventually(t, func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		var got []contracts.Event
		for _, m := range o.heard[o.tenant+"/"+o.id] {
			if m.CorrelationID != "correlation-"+o.id || m.Source != "/waybill/payments" {
				t.Fatalf("envelope: %+v", m)
			}
			got = append(got, withoutProvider(m.Data))
		}
		diff = cmp.Diff(names(want), names(got), cmpopts.EquateEmpty())
		return diff == ""
	}, func() string { return "said (-want +got):\n" + diff })
}

// withoutProvider leaves out what only the provider knows, once it is there.
func withoutProvider(e contracts.Event) contracts.Event {
	known := func(reference string) string {
		if strings.HasPrefix(reference, "pay_") {
			return "pay"
		}
		return reference
	}
	switch e := e.(type) {
	case contracts.PaymentAuthorized:
		if e.ExpiresAt.After(time.Now()) {
			e.ExpiresAt = time.Time{}
		}
		e.ProviderReference = known(e.ProviderReference)
		return e
	case contracts.PaymentCaptured:
		e.ProviderReference = known(e.ProviderReference)
		return e
	case contracts.PaymentRefunded:
		e.ProviderReference = known(e.ProviderReference)
		return e
	default:
		return e
	}
}

var (
	authorized = contracts.PaymentAuthorized{Amount: total, ProviderReference: "pay"}
	captured   = contracts.PaymentCaptured{Amount: total, ProviderReference: "pay"}
	refunded   = contracts.PaymentRefunded{Amount: total, ProviderReference: "pay"}
	voided     = contracts.PaymentVoided{}
	shipped    = contracts.OrderShipped{Carrier: "Simulated Parcel", TrackingNumber: "SP1"}
	released   = contracts.StockReleased{}
	outOfStock = contracts.StockReservationFailed{Shortages: []contracts.Shortage{{SKU: "MUG", Wanted: 1}}}
)

func eventually(t *testing.T, holds func() bool, otherwise func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise())
		}
	}
}

// call makes an HTTP request of the tenant.
func (o order) call(t *testing.T, method, path, key string) (int, http.Header, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, o.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Tenant-ID", o.tenant)
	r.Header.Set("X-Correlation-ID", "correlation-"+o.id)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	return fetch(t, r)
}

// readyz waits until the service says this of itself, and of what is degraded.
func (s *suite) readyz(t *testing.T, status string, degraded ...string) {
	t.Helper()
	var body []byte
	eventually(t, func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _, body = fetch(t, r)
		var said struct {
			Status   string
			Degraded []string
		}
		return json.Unmarshal(body, &said) == nil && said.Status == status && slices.Equal(said.Degraded, degraded)
	}, func() string { return fmt.Sprintf("readyz is never %s %v: %s", status, degraded, body) })
}

func fetch(t *testing.T, r *http.Request) (int, http.Header, []byte) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, body
}

// shown waits until the payment has this status.
func (o order) shown(t *testing.T, status string) payments.Payment {
	t.Helper()
	var p payments.Payment
	var body []byte
	eventually(t, func() bool {
		var code int
		if code, _, body = o.call(t, http.MethodGet, "/v1/payments/"+o.id, ""); code != http.StatusOK {
			return false
		}
		p = payments.Payment{}
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatal(err)
		}
		return string(p.Status) == status
	}, func() string { return fmt.Sprintf("never %s: %s", status, body) })
	return p
}

// books are what the provider has of the order.
func (o order) books(t *testing.T) provider.Payment {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.provider+"/v1/payments?reference="+o.tenant+"/"+o.id, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, body := fetch(t, r)
	var page provider.PaymentPage
	if err := json.Unmarshal(body, &page); err != nil {
		t.Fatal(err)
	}
	if len(page.Payments) != 1 {
		t.Fatalf("the provider has %d payments of the order: %s", len(page.Payments), body)
	}
	return page.Payments[0]
}

func (o order) wantBooks(t *testing.T, status string, operations ...string) {
	t.Helper()
	b := o.books(t)
	var got []string
	for _, op := range b.Operations {
		got = append(got, strings.TrimPrefix(op.Key, o.tenant+"/"+o.id+"/")+" "+op.Status)
	}
	if diff := cmp.Diff(operations, got); diff != "" || b.Status != status {
		t.Errorf("the provider's books: %s, want %s; operations (-want +got):\n%s", b.Status, status, diff)
	}
}

// Every way a payment can go: HTTP and Kafka in, Kafka out, the provider's books at the end.
func TestService(t *testing.T) {
	t.Parallel()
	s := start(t, simulator(t, provider.Config{}))
	t.Run("ways", func(t *testing.T) { ways(t, s) })
	for _, secret := range []string{"tok_ok", "tok_declined", "tok_unanswered", "tok_refuse_capture"} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log shows the token %s", secret)
		}
	}
}

// A provider that is away is asked until it is back; nothing is read into its silence.
func TestProviderAway(t *testing.T) {
	t.Parallel()
	away, err := net.Listen("tcp", "127.0.0.1:0")
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
		o.hears(t, placed("tok_ok"))
		orders = append(orders, o)
	}
	s.readyz(t, "degraded", "breaker:provider")
	for _, o := range orders {
		o.hears(t, released)
		if p := o.shown(t, "pending"); len(p.Attempts) != 1 || p.Attempts[0].Status != "pending" {
			t.Errorf("%+v", p)
		}
	}
	simulator(t, provider.Config{Listen: address})
	for _, o := range orders {
		o.says(t, authorized, voided)
		o.wantBooks(t, "voided", "authorize/0 succeeded", "void/0 succeeded")
	}
	s.readyz(t, "ready")
}

// A provider that does not know us is no refusal: it is told to the log, and asked again under the same key.
func TestProviderRejects(t *testing.T) {
	t.Parallel()
	var admitted atomic.Bool
	books, err := url.Parse(simulator(t, provider.Config{}))
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
	o := s.order(acme)
	o.hears(t, placed("tok_ok"))
	eventually(t, func() bool { return strings.Contains(s.log.String(), "does not take our request") },
		func() string { return "the log does not tell: " + s.log.String() })
	if p := o.shown(t, "pending"); p.Attention != "" || p.Attempts[0].Status != "pending" {
		t.Errorf("%+v", p)
	}
	admitted.Store(true)
	o.says(t, authorized)
	o.wantBooks(t, "authorized", "authorize/0 succeeded")
}

func ways(t *testing.T, s *suite) {
	for _, way := range []struct {
		name   string
		tenant string
		token  string
		then   []contracts.Event // heard one after the other, each once the one before is answered
		says   []contracts.Event // after order-placed, and after each of then
		status string
		books  string
		asked  []string
	}{
		{
			"taken when the parcel has gone", acme, "tok_ok", []contracts.Event{shipped}, []contracts.Event{authorized, captured},
			"captured", "captured", []string{"authorize/0 succeeded", "capture/0 succeeded"},
		},
		{
			"declined", acme, "tok_declined", nil, []contracts.Event{contracts.PaymentFailed{Code: "card_declined"}},
			"failed", "declined", []string{"authorize/0 refused"},
		},
		{
			"out of stock", acme, "tok_ok", []contracts.Event{outOfStock}, []contracts.Event{authorized, voided},
			"voided", "voided", []string{"authorize/0 succeeded", "void/0 succeeded"},
		},
		{
			"nothing is answered at once, forward", acme, "tok_unanswered", []contracts.Event{shipped},
			[]contracts.Event{authorized, captured},
			"captured", "captured", []string{"authorize/0 succeeded", "capture/0 succeeded"},
		},
		{
			"nothing is answered at once, back", acme, "tok_unanswered", []contracts.Event{released},
			[]contracts.Event{authorized, voided},
			"voided", "voided", []string{"authorize/0 succeeded", "void/0 succeeded"},
		},
		{
			"everything fails once", acme, "tok_fails_once", []contracts.Event{shipped}, []contracts.Event{authorized, captured},
			"captured", "captured", []string{"authorize/0 succeeded", "capture/0 succeeded"},
		},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			o := s.order(way.tenant)
			o.hears(t, placed(way.token))
			o.says(t, way.says[0])
			for i, e := range way.then {
				o.hears(t, e)
				o.says(t, way.says[:i+2]...)
			}
			o.shown(t, way.status)
			o.wantBooks(t, way.books, way.asked...)
		})
	}

	t.Run("at once, and refunded", func(t *testing.T) {
		t.Parallel()
		o := s.order(quick)
		o.hears(t, placed("tok_ok"))
		o.says(t, authorized, captured)
		o.hears(t, outOfStock)
		o.says(t, authorized, captured, refunded)
		p := o.shown(t, "refunded")
		money := payments.Money(total)
		if p.Authorized != money || p.Captured != money || p.Refunded != money || p.Attention != "" {
			t.Errorf("%+v", p)
		}
		o.wantBooks(t, "refunded", "authorize/0 succeeded", "capture/0 succeeded", "refund/0 succeeded")
	})

	t.Run("at once, and the capture is refused: failed", func(t *testing.T) {
		t.Parallel()
		o := s.order(quick)
		o.hears(t, placed("tok_refuse_capture"))
		o.says(t, contracts.PaymentFailed{Code: "capture_refused"})
		if p := o.shown(t, "failed"); p.Captured.Amount != 0 || p.Attention != "" {
			t.Errorf("%+v", p)
		}
		o.wantBooks(t, "voided", "authorize/0 succeeded", "capture/0 refused", "void/0 succeeded")
	})

	t.Run("turned back before it is placed: nothing is ever asked", func(t *testing.T) {
		t.Parallel()
		o := s.order(acme)
		o.hears(t, released)
		o.says(t, voided)
		o.hears(t, placed("tok_ok"))
		eventually(t, func() bool { return o.shown(t, "voided").Authorized.Currency == "EUR" },
			func() string { return "order-placed was never noted" })
		o.says(t, voided)
		if p := o.shown(t, "voided"); len(p.Attempts) != 0 || p.Authorized.Amount != 0 {
			t.Errorf("%+v", p)
		}
	})

	t.Run("an order that costs nothing", func(t *testing.T) {
		t.Parallel()
		o := s.order(acme)
		free := contracts.Money{Currency: "EUR"}
		o.hears(t, contracts.OrderPlaced{Total: free, Payment: contracts.PaymentMethod{Method: "card", Token: "tok_ok"}})
		o.says(t, contracts.PaymentAuthorized{Amount: free})
		o.hears(t, shipped)
		o.says(t, contracts.PaymentAuthorized{Amount: free}, contracts.PaymentCaptured{Amount: free})
	})

	t.Run("settled by hand: nothing more is begun", func(t *testing.T) {
		t.Parallel()
		o := s.order(acme)
		o.hears(t, contracts.OrderResolved{Outcome: "cancelled", ResolvedBy: "ops", Reason: "by hand"})
		o.shown(t, "resolved")
		o.hears(t, placed("tok_ok"))
		eventually(t, func() bool { return o.shown(t, "resolved").Authorized.Currency == "EUR" },
			func() string { return "order-placed was never noted" })
		if p := o.shown(t, "resolved"); len(p.Attempts) != 0 {
			t.Errorf("%+v", p)
		}
	})

	t.Run("the capture is refused, and retried by an operator", func(t *testing.T) {
		t.Parallel()
		o := s.order(acme)
		refused := contracts.PaymentAttentionRequired{Operation: "capture", Code: "capture_refused"}
		o.hears(t, placed("tok_refuse_capture"))
		o.says(t, authorized)
		o.hears(t, shipped)
		o.says(t, authorized, refused)
		p := o.shown(t, "authorized")
		if p.Attention != "capture refused: capture_refused" {
			t.Errorf("attention %q", p.Attention)
		}
		want := []payments.Attempt{
			{Operation: "authorize", Key: o.tenant + "/" + o.id + "/authorize/0", Status: "succeeded"},
			{Operation: "capture", Key: o.tenant + "/" + o.id + "/capture/0", Status: "refused", Code: "capture_refused"},
		}
		if diff := cmp.Diff(want, p.Attempts, cmpopts.IgnoreFields(payments.Attempt{}, "ProviderReference", "At")); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		if age := time.Since(p.Attempts[1].At); age < 0 || age > time.Minute || p.Attempts[0].ProviderReference == "" {
			t.Errorf("attempts: %+v", p.Attempts)
		}

		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.provider+"/v1/payments/"+o.tenant+"/"+o.id+"/allow", nil)
		if err != nil {
			t.Fatal(err)
		}
		if code, _, body := fetch(t, r); code != http.StatusNoContent {
			t.Fatalf("allow: %d %s", code, body)
		}
		retry := "/v1/payments/" + o.id + "/retry"
		code, header, first := o.call(t, http.MethodPost, retry, "once")
		if code != http.StatusAccepted || header.Get("Location") != "/v1/payments/"+o.id {
			t.Fatalf("retry: %d %v %s", code, header, first)
		}
		o.says(t, authorized, refused, captured)
		if code, _, again := o.call(t, http.MethodPost, retry, "once"); code != http.StatusAccepted || !bytes.Equal(first, again) {
			t.Errorf("the same request again: %d %s, want %s", code, again, first)
		}
		if code, _, body := o.call(t, http.MethodPost, retry, "twice"); code != http.StatusConflict {
			t.Errorf("nothing needs attention any more: %d %s", code, body)
		}
		if p := o.shown(t, "captured"); p.Attention != "" {
			t.Errorf("attention %q", p.Attention)
		}
		o.wantBooks(t, "captured", "authorize/0 succeeded", "capture/0 refused", "capture/1 succeeded")
	})

	t.Run("no tenant sees another's", func(t *testing.T) {
		t.Parallel()
		o := s.order(acme)
		o.hears(t, placed("tok_ok"))
		o.says(t, authorized)
		other := order{s, "other", o.id}
		for method, path := range map[string]string{http.MethodGet: "", http.MethodPost: "/retry"} {
			if code, header, body := other.call(t, method, "/v1/payments/"+o.id+path, ""); code != http.StatusNotFound ||
				header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s by another tenant: %d %s", method, code, body)
			}
		}
		if code, _, body := o.call(t, http.MethodPost, "/v1/payments/"+o.id+"/retry", ""); code != http.StatusConflict {
			t.Errorf("retry of what needs no attention: %d %s", code, body)
		}
	})

	t.Run("bad requests", func(t *testing.T) {
		t.Parallel()
		o := s.order(acme)
		for _, tc := range []struct {
			method, path, tenant, key string
			want                      int
		}{
			{http.MethodGet, "/v1/payments/" + o.id, acme, "", 404},
			{http.MethodPost, "/v1/payments/" + o.id + "/retry", acme, "", 404},
			{http.MethodGet, "/v1/payments/" + strings.Repeat("x", 65), acme, "", 422},
			{http.MethodGet, "/v1/payments/" + o.id, "No Tenant", "", 400},
			{http.MethodPost, "/v1/payments/" + o.id + "/retry", acme, strings.Repeat("k", 256), 400},
			{http.MethodDelete, "/v1/payments/" + o.id, acme, "", 405},
		} {
			o := order{s, tc.tenant, o.id}
			if code, header, body := o.call(t, tc.method, tc.path, tc.key); code != tc.want ||
				header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %.60s: %d, want %d: %s", tc.method, tc.path, code, tc.want, body)
			}
		}
	})

	t.Run("the API is described", func(t *testing.T) {
		t.Parallel()
		o := s.order(acme)
		code, _, body := o.call(t, http.MethodGet, "/openapi.json", "")
		var api struct {
			Paths map[string]map[string]struct{ Summary, Description string }
		}
		if err := json.Unmarshal(body, &api); err != nil || code != http.StatusOK {
			t.Fatalf("%d %v", code, err)
		}
		for path, method := range map[string]string{"/v1/payments/{orderId}": "get", "/v1/payments/{orderId}/retry": "post"} {
			if op := api.Paths[path][method]; op.Summary == "" || op.Description == "" {
				t.Errorf("%s %s is not described", method, path)
			}
		}
	})
}
