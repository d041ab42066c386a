package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/local/broker"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
	"waybill.dev/platform/server"
)

func TestKafkaMayBeAwayAtTheStartAndLater(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	b, err := broker.Start(broker.Config{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	brokers := b.Brokers()
	port := portOf(t, brokers[0])
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}
	c := config(t, pgtest.Service(t, counting, nil).ServiceURL)
	c.KafkaBrokers = brokers
	r := run(t, countingService(&errands{}), c, server.Options{})
	degraded := func() bool {
		a := r.call("GET", "/readyz", "")
		list, _ := a.body["degraded"].([]any)
		return a.status == http.StatusOK && a.body["status"] == "degraded" &&
			slices.ContainsFunc(list, func(v any) bool { return strings.HasPrefix(v.(string), "kafka") })
	}
	eventually(t, "degraded without Kafka", degraded)
	if a := r.call("POST", "/v1/counters/a/additions", `{"by":1}`); a.status != http.StatusCreated {
		t.Errorf("nothing is accepted without Kafka: %d %s", a.status, a.raw)
	}
	command := countingService(&errands{}).React(placed(order), time.Now())
	if _, err := r.App().Handle(t.Context(), eventlog.Request{Command: command, Tenant: "acme", At: time.Now().UTC()}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the outbox is measured", func() bool { return strings.Contains(r.call("GET", "/metrics", "").raw, "\noutbox_depth 1\n") })
	for range 2 {
		if b, err = broker.Start(broker.Config{Data: data, Port: port}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "ready with Kafka", func() bool { return r.call("GET", "/readyz", "").body["status"] == "ready" })
		if err := b.Stop(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "degraded again", degraded)
	}
}

func TestPostgresMayBeAwayAtTheStartAndLater(t *testing.T) {
	t.Parallel()
	database := pgtest.Server(t)
	access, err := postgres.Provision(t.Context(), database.URL("postgres"), counting)
	if err != nil {
		t.Fatal(err)
	}
	if err := database.Kill(); err != nil {
		t.Fatal(err)
	}
	c := config(t, access[counting].ServiceURL)
	c.MigrationsURL = access[counting].OwnerURL
	r := run(t, countingService(&errands{}), c, server.Options{})
	refused := func(a answer) {
		t.Helper()
		a.problem(t, http.StatusServiceUnavailable)
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	if a := r.call("GET", "/healthz", ""); a.status != http.StatusOK {
		t.Errorf("not live: %d", a.status)
	}
	refused(r.call("GET", "/readyz", ""))
	refused(r.call("POST", "/v1/counters/a/additions", `{"by":1}`))
	refused(r.call("GET", "/v1/parked", ""))
	r.call("GET", "/v1/nothing", "").problem(t, http.StatusNotFound)

	if err := database.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.waitFor("/readyz", http.StatusOK)
	if a := r.call("POST", "/v1/counters/a/additions", `{"by":1,"errand":"one"}`, "X-Tenant-ID", "acme"); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	eventually(t, "an errand", func() bool { return r.noted("a") == "one" })

	if err := database.Kill(); err != nil {
		t.Fatal(err)
	}
	refused(r.call("POST", "/v1/counters/a/additions", `{"by":1}`))
	refused(r.call("GET", "/v1/counters/a", ""))
	refused(r.call("GET", "/v1/parked", ""))
	refused(r.waitFor("/readyz", http.StatusServiceUnavailable))
	if err := database.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.waitFor("/readyz", http.StatusOK)
	r.ask("b", "two")
	eventually(t, "an errand after the outage", func() bool { return r.noted("b") == "two" })
}

// A topic whose keys are spread in another way is for people to mend: the program ends and says so.
func TestTopicWithOtherPartitionsEndsTheProgram(t *testing.T) {
	t.Parallel()
	brokers := startBroker(t)
	topic := contracts.Topic{Name: contracts.OrderPlaced{}.Type().Topic(), Partitions: 3, RetentionMillis: -1}
	if err := messaging.CreateTopics(t.Context(), brokers, "", []contracts.Topic{topic}); err != nil {
		t.Fatal(err)
	}
	cmd := program(t, nil, "LISTEN=127.0.0.1:0", "DATABASE_URL="+pgtest.Service(t, counting, nil).ServiceURL, "KAFKA_BROKERS="+strings.Join(brokers, ","))
	var stderr logs
	cmd.Stderr = &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v, want code 1: %s", err, stderr.String())
	}
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	want := counting + ": topic " + topic.Name + " has 3 partitions, 12 are declared"
	if last := lines[len(lines)-1]; last != want {
		t.Errorf("the last line is %q, want %q", last, want)
	}
}

// An outage is one line, however often what needs the server is tried again.
func TestBackgroundTellsOfAnOutageOnce(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	service := countingService(&errands{})
	service.Background = []func(context.Context, *server.App) error{func(ctx context.Context, _ *server.App) error {
		if runs.Add(1) < 4 {
			return fmt.Errorf("look: %w", io.ErrUnexpectedEOF)
		}
		<-ctx.Done()
		return nil
	}}
	r := run(t, service, config(t, pgtest.Service(t, counting, nil).ServiceURL), server.Options{})
	eventually(t, "a fourth run", func() bool { return runs.Load() == 4 })
	told := r.logs.lines(t, "background waits for what is away")
	if len(told) != 1 || told[0]["level"] != "WARN" || len(r.logs.lines(t, "background has ended and is started again")) != 0 {
		t.Errorf("told %v", told)
	}
}

func TestSchemaIsWaitedFor(t *testing.T) {
	t.Parallel()
	admin := pgtest.Database(t, pgtest.Template{Name: "empty"})
	access, err := postgres.Provision(t.Context(), admin, counting)
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, countingService(&errands{}), config(t, access[counting].ServiceURL), server.Options{})
	r.call("GET", "/readyz", "").problem(t, http.StatusServiceUnavailable)
	addition := r.call("POST", "/v1/counters/a/additions", `{"by":1}`)
	addition.problem(t, http.StatusServiceUnavailable)
	if addition.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	r.call("GET", "/v1/counters/a", "").problem(t, http.StatusServiceUnavailable)
	r.call("POST", "/v1/counters/a/additions", `{"by":"one"}`).problem(t, http.StatusUnprocessableEntity)
	if err := postgres.Migrate(t.Context(), access[counting].OwnerURL, counting, nil); err != nil {
		t.Fatal(err)
	}
	r.waitFor("/readyz", http.StatusOK)
	eventually(t, "an addition", func() bool {
		return r.call("POST", "/v1/counters/a/additions", `{"by":1}`).status == http.StatusCreated
	})
}
