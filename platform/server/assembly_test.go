package server_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/server"
)

func TestTakenPortIsAnError(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	c := config(t, "postgres://u:p@127.0.0.1:1/x")
	c.Listen = r.Addr()
	_, err := server.New(t.Context(), countingService(&errands{}), c, server.Options{})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("%v", err)
	}
}

func TestBadConfigurationIsToldAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*server.Config)
		want   string
	}{
		"no database":        {func(c *server.Config) { c.DatabaseURL = "" }, "DATABASE_URL is required"},
		"a malformed URL":    {func(c *server.Config) { c.DatabaseURL = "postgres://u:hidden@host:x/y" }, "DATABASE_URL: the URL cannot be read"},
		"no brokers":         {func(c *server.Config) { c.KafkaBrokers = nil }, "KAFKA_BROKERS is required"},
		"a malformed broker": {func(c *server.Config) { c.KafkaBrokers = []string{"localhost"} }, `KAFKA_BROKERS: "localhost" is not host:port`},
		"too few workers":    {func(c *server.Config) { c.JobWorkers = 0 }, "JOB_WORKERS: 0"},
		"a short memory":     {func(c *server.Config) { c.InboxKeep = time.Hour }, "INBOX_KEEP: 1h0m0s is too short, 48h0m0s is the least"},
		"no tenants file":    {func(c *server.Config) { c.TenantsFile = "/nowhere.yaml" }, "tenants file: open /nowhere.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			configuration := config(t, "postgres://u:p@127.0.0.1:1/x")
			c.change(&configuration)
			_, err := server.New(t.Context(), countingService(&errands{}), configuration, server.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestBackgroundIsStartedAgain(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	service := countingService(&errands{})
	service.Background = []func(context.Context, *server.App) error{func(ctx context.Context, _ *server.App) error {
		switch runs.Add(1) {
		case 1:
			return errors.New("no")
		case 2:
			panic("no")
		}
		<-ctx.Done()
		return nil
	}}
	r := run(t, service, config(t, pgtest.Service(t, counting, nil).ServiceURL), server.Options{})
	eventually(t, "a third run", func() bool { return runs.Load() == 3 })
	r.stop()
	if runs.Load() != 3 {
		t.Errorf("it ran %d times", runs.Load())
	}
}

func TestOneTraceFromRequestToJob(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	r := run(t, countingService(&errands{}), config(t, pgtest.Service(t, counting, nil).ServiceURL), server.Options{Spans: spans})
	r.waitFor("/readyz", 200)
	a := r.call("POST", "/v1/counters/"+order+"/additions", `{"by":1,"errand":"x","email":"secret@example.com"}`,
		"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "X-Tenant-ID", "acme")
	if a.status != 201 {
		t.Fatal(a.raw)
	}
	eventually(t, "the job", func() bool { return r.noted(order) == "x" })
	r.stop()
	kinds := map[string]int{}
	for _, s := range spans.GetSpans() {
		if s.SpanContext.TraceID().String() != "4bf92f3577b34da6a3ce929d0e0e4736" {
			continue
		}
		kinds[s.Name]++
		for _, attribute := range s.Attributes {
			if strings.Contains(attribute.Value.String(), "secret@example.com") {
				t.Errorf("span %s holds an address", s.Name)
			}
		}
	}
	for _, want := range []string{"POST /v1/counters/:id/additions", "eventlog.handle", "job errand"} {
		if kinds[want] == 0 {
			t.Errorf("no span %q among %v", want, kinds)
		}
	}
}

func TestSpansGoToTheEndpoint(t *testing.T) {
	t.Parallel()
	received := make(chan string, 100)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { received <- r.URL.Path }))
	defer collector.Close()
	c := config(t, pgtest.Service(t, counting, nil).ServiceURL)
	c.TraceEndpoint = collector.URL
	r := run(t, countingService(&errands{}), c, server.Options{})
	r.waitFor("/readyz", http.StatusOK)
	r.call("GET", "/v1/counters/a", "")
	r.stop()
	select {
	case path := <-received:
		if path != "/v1/traces" {
			t.Errorf("sent to %s", path)
		}
	default:
		t.Error("nothing was sent")
	}
}

func TestHearingWithoutReactIsAnError(t *testing.T) {
	t.Parallel()
	service := countingService(&errands{})
	service.React = nil
	_, err := server.New(t.Context(), service, config(t, "postgres://u:p@127.0.0.1:1/x"), server.Options{})
	if err == nil || !strings.Contains(err.Error(), "has no React") {
		t.Errorf("%v", err)
	}
}

func TestSettingsOfTenants(t *testing.T) {
	t.Parallel()
	tenants, err := server.LoadTenants("")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(server.DefaultSettings(), tenants.Settings("anybody")); diff != "" {
		t.Error(diff)
	}
	tenants, err = server.LoadTenants(write(t, `
defaults:
  deadlines: {shipment: 2h}
tenants:
  acme:
    captureAtOnce: true
    deadlines:
      authorization: 90s
  plain: {}
`))
	if err != nil {
		t.Fatal(err)
	}
	defaults := server.DefaultSettings()
	defaults.Deadlines.Shipment = 2 * time.Hour
	acme := defaults
	acme.CaptureAtOnce, acme.Deadlines.Authorization = true, 90*time.Second
	for tenant, want := range map[string]server.Settings{"acme": acme, "plain": defaults, "other": defaults} {
		if diff := cmp.Diff(want, tenants.Settings(tenant)); diff != "" {
			t.Errorf("%s: %s", tenant, diff)
		}
	}
}

func TestBadTenantsFilesNameThePlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"an unknown key":      {"tenants:\n  acme:\n    captureNow: true\n", `[3:5] unknown field "captureNow"`},
		"an unknown deadline": {"defaults:\n  deadlines:\n    delivery: 1h\n", `[3:5] unknown field "delivery"`},
		"a bad name":          {"tenants:\n  Acme: {}\n", `"Acme" is no tenant's name`},
		"a bad duration":      {"tenants:\n  acme:\n    deadlines: {capture: soon}\n", `tenants.acme.deadlines.capture: "soon" is no duration`},
		"a negative duration": {"defaults: {deadlines: {capture: -1h}}\n", `defaults.deadlines.capture: -1h`},
		"another type":        {"tenants:\n  acme:\n    captureAtOnce: often\n", "[3:"},
		"a tenant twice":      {"tenants:\n  acme: {}\n  acme: {}\n", "[3:"},
		"no YAML":             {"tenants: [\n", "[1:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := server.LoadTenants(write(t, c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
