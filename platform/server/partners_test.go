package server_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/outside"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/server"
)

// call is a job that asks a system outside, and call2 another that asks the same.
type (
	call  struct{ errand }
	call2 struct{ errand }
)

func (call) Kind() string  { return "call" }
func (call2) Kind() string { return "call2" }

// runAsking runs a service that does errands, and calls of both kinds at one system.
func runAsking(t *testing.T, workers int, system *outside.System, work func(context.Context, *server.App, server.Job) error) *running {
	t.Helper()
	e := &errands{}
	service := countingService(e)
	service.Workers = func(w *server.Workers) {
		server.Work(w, e.work)
		server.WorkOutside(w, system, func(ctx context.Context, app *server.App, job server.JobOf[call]) error {
			return work(ctx, app, job.Job)
		})
		server.WorkOutside(w, system, func(ctx context.Context, app *server.App, job server.JobOf[call2]) error {
			return work(ctx, app, job.Job)
		})
	}
	c := config(t, pgtest.Service(t, counting, nil).ServiceURL)
	c.JobWorkers = workers
	r := run(t, service, c, server.Options{})
	r.waitFor("/readyz", http.StatusOK)
	return r
}

// enqueue adds to a counter, and asks for a job.
func (r *running) enqueue(id string, job es.Job) {
	r.t.Helper()
	if _, err := r.App().Handle(r.t.Context(), eventlog.Request{
		Command: add("acme", id, 1, job), Tenant: "acme", At: time.Now().UTC(), Meta: es.Meta{CorrelationID: "c", CausationID: "c"},
	}); err != nil {
		r.t.Fatal(err)
	}
}

// While the breaker is open jobs are put off, which counts as no attempt; and it shows.
func TestAnOpenBreakerPutsJobsOff(t *testing.T) {
	t.Parallel()
	system := outside.NewSystem("partner")
	var away atomic.Bool
	away.Store(true)
	var mu sync.Mutex
	tried, attempt := 0, 0 // how often the partner was tried by this job, and which attempt it was told to be last
	putOffs := 0
	r := runAsking(t, 8, system, func(ctx context.Context, app *server.App, job server.Job) error {
		asked := false
		_, err := outside.Ask(ctx, system, func() (int, error) {
			asked = true
			if away.Load() {
				return 0, outside.ErrUnknown
			}
			return 0, nil
		})
		mu.Lock()
		defer mu.Unlock()
		if job.Attempt != tried+1 {
			t.Errorf("attempt %d, after the partner was tried in %d", job.Attempt, tried)
		}
		attempt = job.Attempt
		if asked {
			tried++
		} else {
			putOffs++
		}
		if err != nil {
			return err
		}
		return app.Record(ctx, job, note(job.Tenant, job.Subject, "answered"))
	})
	r.enqueue(order, call{})
	eventually(t, "the job to be put off twice", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return putOffs >= 2
	})
	if a := r.call("GET", "/readyz", ""); a.status != http.StatusOK || a.body["status"] != "degraded" || !strings.Contains(a.raw, `"breaker:partner"`) {
		t.Errorf("%d %s", a.status, a.raw)
	}
	metrics := r.call("GET", "/metrics", "").raw
	if !strings.Contains(metrics, `outside_breaker_state{state="closed",system="partner"} 0`) ||
		!strings.Contains(metrics, `job_attempts_total{kind="call",outcome="put_off"}`) {
		t.Error("the metrics do not tell of the breaker")
	}
	away.Store(false)
	eventually(t, "the answer", func() bool { return r.noted(order) == "answered" })
	mu.Lock()
	defer mu.Unlock()
	t.Logf("%d attempts, put off %d times", attempt, putOffs)
	if failures := len(r.logs.lines(t, "a job failed and is done again")); failures != attempt-1 {
		t.Errorf("%d failures are logged, of %d", failures, attempt-1)
	}
	if a := r.call("GET", "/readyz", ""); strings.Contains(a.raw, "breaker") {
		t.Error(a.raw)
	}
	if metrics := r.call("GET", "/metrics", "").raw; !strings.Contains(metrics, `outside_breaker_state{state="closed",system="partner"} 1`) {
		t.Error("the metrics say that the breaker is not closed")
	}
}

// However many jobs wait for a slow system, of whatever kinds, the others are done meanwhile; and none of those that
// found no worker free has lost an attempt.
func TestASlowSystemLeavesWorkersToOthers(t *testing.T) {
	t.Parallel()
	const workers, places, slow, quick = 4, 3, 60, 5
	system := outside.NewSystem("partner")
	answer := make(chan struct{})
	var asking, most, attempts, overrun atomic.Int32
	r := runAsking(t, workers, system, func(ctx context.Context, app *server.App, job server.Job) error {
		attempts.Store(max(attempts.Load(), int32(job.Attempt)))
		now := asking.Add(1)
		defer asking.Add(-1)
		most.Store(max(most.Load(), now))
		select {
		case <-answer:
		case <-ctx.Done(): // on a busy machine
			overrun.Add(1)
			return ctx.Err()
		}
		return app.Record(ctx, job, note(job.Tenant, job.Subject, "answered"))
	})
	for i := range slow {
		if id := fmt.Sprintf("slow-%d", i); i%2 == 0 {
			r.enqueue(id, call{})
		} else {
			r.enqueue(id, call2{})
		}
	}
	eventually(t, "the system to be asked by as many as may", func() bool { return asking.Load() == places })
	eventually(t, "the metrics to tell of it", func() bool {
		return strings.Contains(r.call("GET", "/metrics", "").raw, fmt.Sprintf(`outside_workers{system="partner"} %d`, places))
	})
	for i := range quick {
		id := fmt.Sprintf("quick-%d", i)
		r.ask(id, "done")
		eventually(t, "an errand to be done", func() bool { return r.noted(id) == "done" })
	}
	if asking.Load() != places {
		t.Errorf("%d ask", asking.Load())
	}
	close(answer)
	eventually(t, "all to be answered", func() bool { return completedJobs(t, r) == slow+quick })
	if most.Load() > places {
		t.Errorf("%d of %d workers asked at a time", most.Load(), workers)
	}
	if attempts.Load() > 1+overrun.Load() {
		t.Errorf("%d attempts are counted, and %d overran their time", attempts.Load(), overrun.Load())
	}
}
