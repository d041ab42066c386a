package orders_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
	"waybill.dev/platform/server"
	"waybill.dev/services/orders"
	"waybill.dev/services/orders/order"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// migrations are the service's own.
func migrations(tb testing.TB) fs.FS {
	tb.Helper()
	s, err := orders.New(orders.Defaults())
	if err != nil {
		tb.Fatal(err)
	}
	return s.Migrations
}

// database is a migrated database of the test's own, and how the service reaches it.
func database(tb testing.TB) postgres.Access {
	tb.Helper()
	return pgtest.Service(tb, "orders", migrations(tb))
}

// running is the service, served.
type running struct {
	*server.Server
	t    testing.TB
	logs *bytes.Buffer
	stop func()
}

// nobody listens there: orders are taken without Kafka.
var noBrokers = []string{"127.0.0.1:1"}

// serve runs the service until the test ends.
func serve(tb testing.TB, change func(*orders.Config)) *running {
	tb.Helper()
	c := orders.Defaults()
	c.Listen, c.KafkaBrokers, c.DatabaseURL = "127.0.0.1:0", noBrokers, ""
	change(&c)
	if c.DatabaseURL == "" {
		c.DatabaseURL = database(tb).ServiceURL
	}
	service, err := orders.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	logs := &bytes.Buffer{}
	s, err := server.New(tb.Context(), service, c.Config, server.Options{Logger: slog.New(slog.NewJSONHandler(synced(logs), nil))})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	r := &running{Server: s, t: tb, logs: logs, stop: func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("the service ended: %v", err)
		}
	}}
	tb.Cleanup(r.stop)
	eventually(tb, "the service is ready", func() bool { return r.get("/readyz", "").Status == http.StatusOK })
	return r
}

// in is the service as a part of the test uses it.
func (r *running) in(t *testing.T) *running {
	t.Helper()
	part := *r
	part.t = t
	return &part
}

// reply is what the service answered.
type reply struct {
	Status int
	Header http.Header
	Body   string
}

func (r *running) do(method, path, tenant, body string, headers ...string) reply {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.URL()+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	if tenant != "" {
		request.Header.Set("X-Tenant-ID", tenant)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(data)}
}

func (r *running) get(path, tenant string) reply { return r.do(http.MethodGet, path, tenant, "") }

func (r *running) post(path, tenant, body string, headers ...string) reply {
	return r.do(http.MethodPost, path, tenant, body, headers...)
}

// read is the body as T; the answer has to have the status.
func read[T any](tb testing.TB, r reply, status int) (v T) {
	tb.Helper()
	if r.Status != status {
		tb.Fatalf("status %d, want %d: %s", r.Status, status, r.Body)
	}
	d := json.NewDecoder(strings.NewReader(r.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		tb.Fatalf("%v: %s", err, r.Body)
	}
	return v
}

// good is an order that is taken.
const good = `{"customer":{"id":"c-1","name":"Ada Lovelace","email":"ada@example.com"},
	"lines":[{"sku":"MUG-1","name":"Mug","quantity":2,"unitPrice":{"amount":1999,"currency":"EUR"}},
	         {"sku":"TEA.2","name":"Tea","quantity":1,"unitPrice":{"amount":500,"currency":"EUR"}}],
	"shippingAddress":{"name":"Ada Lovelace","line1":"1 High Street","city":"Berlin","postalCode":"10115","country":"DE"},
	"payment":{"method":"card","token":"tok_very_secret"}}`

// place places the good order.
func (r *running) place(tenant string) orders.Order {
	r.t.Helper()
	return read[orders.Order](r.t, r.post("/v1/orders", tenant, good), http.StatusCreated)
}

// hear has the service hear events, past Kafka.
func (r *running) hear(tenant, id string, events ...contracts.Event) {
	r.t.Helper()
	for _, e := range events {
		m := contracts.Message{ID: "m", Subject: id, Tenant: tenant, Data: e}
		if _, err := r.App().Handle(r.t.Context(), eventlog.Request{
			Command: order.React(m, time.Now().UTC()), Tenant: tenant, At: time.Now().UTC(), Meta: es.Meta{CorrelationID: "c", CausationID: "m"},
		}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// count is a number that SQL comes to.
func (r *running) count(sql string, args ...any) (n int) {
	r.t.Helper()
	if err := r.App().Pool.QueryRow(r.t.Context(), sql, args...).Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

// patience is for a machine that has much else to do. What comes at all comes long before.
const patience = 2 * time.Minute

// eventually waits for a condition.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("not within %s: %s", patience, what)
		}
	}
}
