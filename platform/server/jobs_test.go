package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/failure"
	"waybill.dev/platform/outside"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
	"waybill.dev/platform/server"
)

const order = "0199c3b4-7d1e-7000-8000-000000000007"

// ask asks for an errand on behalf of a counter.
func (r *running) ask(id, what string) {
	r.t.Helper()
	a := r.call("POST", "/v1/counters/"+id+"/additions", `{"by":1,"errand":"`+what+`"}`, "X-Tenant-ID", "acme", "X-Correlation-ID", "c-1")
	if a.status != http.StatusCreated {
		r.t.Fatalf("%d %s", a.status, a.raw)
	}
}

func (r *running) noted(id string) string {
	a := r.call("GET", "/v1/counters/"+id, "", "X-Tenant-ID", "acme")
	list, _ := a.body["noted"].([]any)
	var words []string
	for _, w := range list {
		words = append(words, w.(string))
	}
	return strings.Join(words, " ")
}

func TestJobIsDoneAtOnceAndRecorded(t *testing.T) {
	t.Parallel()
	var seen atomic.Pointer[server.JobOf[errand]]
	e := &errands{}
	e.on("errand", func(ctx context.Context, app *server.App, job server.JobOf[errand]) error {
		seen.Store(&job)
		return app.Record(ctx, job.Job, note(job.Tenant, job.Subject, "done"))
	})
	r := runCounting(t, e)
	eventually(t, "workers", func() bool { return !strings.Contains(r.call("GET", "/readyz", "").raw, "jobs") })
	r.ask(order, "errand")
	eventually(t, "the outcome", func() bool { return r.noted(order) == "done" })
	job := seen.Load()
	if job.Tenant != "acme" || job.Subject != order || job.Attempt != 1 || job.Args.What != "errand" || job.Meta.CorrelationID != "c-1" {
		t.Errorf("%+v", job)
	}
	history, err := r.App().Log.History(t.Context(), counters.Stream("acme", order))
	if err != nil || len(history) != 2 {
		t.Fatalf("%v %v", history, err)
	}
	if history[1].CorrelationID != "c-1" || history[1].CausationID != history[0].ID || history[1].TraceParent == "" {
		t.Errorf("the outcome's causes: %+v", history[1])
	}
}

func TestCommitWakesTheWorkers(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	// By the poll alone each would wait for seconds, counted from the one before.
	began := time.Now()
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"} {
		r.ask(id, "errand")
		eventually(t, "the outcome", func() bool { return r.noted(id) == "errand" })
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("16 jobs, one after the other, took %v", took)
	}
}

// River is stopped while there is nothing to do: it leads no longer. What is enqueued here is done at once all the
// same, and what is enqueued elsewhere with the next poll.
func TestWorkersRestAndAreWoken(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	leaders := func() (n int) {
		if err := r.App().Pool.QueryRow(t.Context(), "SELECT count(*) FROM river_leader").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	rested := func() {
		eventually(t, "the workers to rest", func() bool {
			var left int
			if err := r.App().Pool.QueryRow(t.Context(), "SELECT count(*) FROM river_job WHERE state <> 'completed'").Scan(&left); err != nil {
				t.Fatal(err)
			}
			return left == 0 && leaders() == 0
		})
	}
	eventually(t, "a leader", func() bool { return leaders() == 1 })
	rested()
	if strings.Contains(r.call("GET", "/readyz", "").raw, "jobs") {
		t.Error("workers that rest are told to be missing")
	}
	began := time.Now()
	r.ask(order, "errand")
	eventually(t, "the outcome", func() bool { return r.noted(order) == "errand" })
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("resting workers took %v, as long as the poll", took)
	}
	eventually(t, "a leader", func() bool { return leaders() == 1 })
	rested()
	// As another replica would: a copy of the job, with nobody told.
	if _, err := r.App().Pool.Exec(t.Context(), `INSERT INTO river_job (state, args, kind, max_attempts, metadata)
		SELECT 'available', args, kind, max_attempts, metadata FROM river_job LIMIT 1`); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the copy to be done", func() bool { return jobRow(t, r, "state = 'completed'") == 2 })
}

func TestFailedJobIsDoneAgainForEver(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("no answer") },
		"panic": func() error { panic("tok_secret") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var attempts atomic.Int32
			e := &errands{}
			e.on("errand", func(ctx context.Context, app *server.App, job server.JobOf[errand]) error {
				if n := attempts.Add(1); job.Attempt != int(n) {
					t.Errorf("attempt %d is counted as %d", n, job.Attempt)
				}
				if job.Attempt < 4 {
					return fail()
				}
				return app.Record(ctx, job.Job, note(job.Tenant, job.Subject, "done"))
			})
			r := runCounting(t, e)
			r.ask(order, "errand")
			eventually(t, "the outcome", func() bool { return r.noted(order) == "done" })
			failures := r.logs.lines(t, "a job failed and is done again")
			if len(failures) != 3 {
				t.Fatalf("%d failures in the log", len(failures))
			}
			if f := failures[0]; f["kind"] != "errand" || f["order"] != order || f["tenant"] != "acme" || f["correlation_id"] != "c-1" || f["trace_id"] == nil {
				t.Errorf("%v", f)
			}
			if strings.Contains(r.logs.String(), "tok_secret") {
				t.Error("the log holds a panic's value")
			}
			// River's own counting has not begun: nothing comes nearer to being discarded.
			row := jobRow(t, r, "attempt = 1 AND cardinality(errors) IS NULL")
			if row != 1 {
				t.Errorf("the row was counted up")
			}
		})
	}
}

// A job that fails again and again, and not because something is away, is named by /readyz until it is done.
func TestAJobThatNeverSucceedsIsNamed(t *testing.T) {
	t.Parallel()
	var mended atomic.Bool
	e := &errands{}
	for what, fail := range map[string]func() error{
		"panic":    func() error { panic("tok_secret") },
		"rejected": func() error { return outside.ErrRejected },
		"away":     func() error { return outside.ErrUnknown },
	} {
		e.on(what, func(ctx context.Context, app *server.App, job server.JobOf[errand]) error {
			if mended.Load() {
				return app.Record(ctx, job.Job, note(job.Tenant, job.Subject, "done"))
			}
			return fail()
		})
	}
	c := config(t, pgtest.Service(t, counting, nil).ServiceURL)
	c.JobCooldowns = failure.Cooldowns{10 * time.Millisecond, 100 * time.Millisecond}
	r := run(t, countingService(e), c, server.Options{})
	r.waitFor("/readyz", http.StatusOK)
	for _, what := range []string{"panic", "rejected", "away"} {
		r.ask("order-"+what, what)
	}
	ready := func() string { return r.call("GET", "/readyz", "").raw }
	named := func(what string) bool {
		return strings.Contains(ready(), "jobs: errand of acme/order-"+what+" has failed")
	}
	eventually(t, "both to be named", func() bool { return named("panic") && named("rejected") })
	if !strings.Contains(ready(), " times (bug), and is done again") || named("away") {
		t.Errorf("%s", ready())
	}
	var stack string
	for _, f := range r.logs.lines(t, "a job failed and is done again") {
		if s, _ := f["stack"].(string); s != "" {
			stack = s
		}
	}
	if !strings.Contains(stack, "TestAJobThatNeverSucceedsIsNamed") {
		t.Errorf("the log has the stack %q", stack)
	}
	mended.Store(true)
	for _, what := range []string{"panic", "rejected", "away"} {
		eventually(t, "the outcome", func() bool { return r.noted("order-"+what) == "done" })
	}
	eventually(t, "nothing to be named", func() bool { return !strings.Contains(ready(), "jobs: ") })
}

func jobRow(t *testing.T, r *running, where string) int {
	t.Helper()
	var n int
	if err := r.App().Pool.QueryRow(t.Context(), "SELECT count(*) FROM river_job WHERE "+where).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// completedJobs counts jobs, of which a row may hold several.
func completedJobs(t *testing.T, r *running) (n int) {
	t.Helper()
	err := r.App().Pool.QueryRow(t.Context(), `SELECT coalesce(sum(jsonb_array_length(args -> 'jobs')), 0) FROM river_job
		WHERE state = 'completed'`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestJobThatOverrunsItsTimeIsDoneAgain(t *testing.T) {
	t.Parallel()
	e := &errands{}
	e.on("errand", func(ctx context.Context, app *server.App, job server.JobOf[errand]) error {
		if job.Attempt == 1 {
			<-ctx.Done()
			return ctx.Err()
		}
		return app.Record(ctx, job.Job, note(job.Tenant, job.Subject, "done"))
	})
	r := runCounting(t, e)
	r.ask(order, "errand")
	eventually(t, "the outcome", func() bool { return r.noted(order) == "done" })
}

func TestAnOutcomeIsRecordedThoughTheJobsTimeIsOver(t *testing.T) {
	t.Parallel()
	e := &errands{}
	e.on("errand", func(ctx context.Context, app *server.App, job server.JobOf[errand]) error {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return app.Record(ctx, job.Job, note(job.Tenant, job.Subject, fmt.Sprint("attempt ", job.Attempt)))
	})
	r := runCounting(t, e)
	r.ask(order, "errand")
	eventually(t, "the outcome", func() bool { return r.noted(order) == "attempt 1" })
}

// An outcome that comes at the very end of the time that a stopping server gives its jobs is recorded before it ends.
func TestAnOutcomeIsRecordedWhileTheServerStops(t *testing.T) {
	t.Parallel()
	c := config(t, pgtest.Service(t, counting, nil).ServiceURL)
	begun := make(chan struct{})
	e := &errands{}
	e.on("errand", func(ctx context.Context, app *server.App, job server.JobOf[errand]) error {
		close(begun)
		<-ctx.Done()
		return app.Record(ctx, job.Job, note(job.Tenant, job.Subject, "at the end"))
	})
	r := run(t, countingService(e), c, server.Options{})
	r.waitFor("/readyz", http.StatusOK)
	r.ask(order, "errand")
	<-begun
	r.stop()
	r = run(t, countingService(&errands{}), c, server.Options{})
	r.waitFor("/readyz", http.StatusOK)
	if got := r.noted(order); got != "at the end" {
		t.Errorf("noted %q", got)
	}
}

func TestJobsThatNobodyCanDoAreKept(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	insert := func(kind, args string) (id int64) {
		err := r.App().Pool.QueryRow(t.Context(), `INSERT INTO river_job (kind, args, metadata, max_attempts, queue, state)
			VALUES ($1, $2, '{}', 32767, 'default', 'available') RETURNING id`, kind, args).Scan(&id)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	unknown, unreadable := insert("of_tomorrow", `{}`), insert("errand", `{"jobs":[{"args":{"what":7}}]}`)
	other := insert("errand", `{"what":"errand"}`) // of another version
	eventually(t, "the unreadable ones tried", func() bool {
		return len(r.logs.lines(t, "a row of jobs cannot be read and is tried again")) >= 4
	})
	var states []string
	rows, err := r.App().Pool.Query(t.Context(), `SELECT state::text FROM river_job WHERE id IN ($1, $2, $3) ORDER BY id`, unknown, unreadable, other)
	if err == nil {
		states, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil || len(states) != 3 || states[0] != "available" || slices.Contains(states, "discarded") || slices.Contains(states, "completed") {
		t.Errorf("states %v, %v", states, err)
	}
}

func TestDiscardedJobsAreRevived(t *testing.T) {
	t.Parallel()
	access := pgtest.Service(t, counting, nil)
	c := config(t, access.ServiceURL)
	r := run(t, countingService(&errands{}), c, server.Options{})
	r.waitFor("/readyz", http.StatusOK)
	_, err := r.App().Pool.Exec(t.Context(), `INSERT INTO river_job (kind, args, metadata, attempt, max_attempts, queue, state, finalized_at)
		VALUES ('errand', '{"jobs":[{"tenant":"acme","subject":"x","args":{"what":"again"}}]}', '{}', 32767, 32767, 'default', 'discarded', now())`)
	if err != nil {
		t.Fatal(err)
	}
	r.stop()
	r = run(t, countingService(&errands{}), c, server.Options{})
	eventually(t, "the outcome", func() bool { return r.noted("x") == "again" })
}

// River counts a pause from the clock of the process that puts a job off, and its end by PostgreSQL's.
func TestJobsPutOffByAClockThatWasAheadAreTakenBack(t *testing.T) {
	t.Parallel()
	access := pgtest.Service(t, counting, nil)
	pool, err := postgres.Open(t.Context(), access.ServiceURL, postgres.Options{Service: counting})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	_, err = pool.Exec(t.Context(), `INSERT INTO river_job (kind, args, metadata, max_attempts, queue, state, scheduled_at)
		SELECT 'errand', format('{"jobs":[{"tenant":"acme","subject":"%s","args":{"what":"taken back"}}]}', state)::jsonb, '{}', 32767, 'default',
			state::river_job_state, now() + interval '2 hours' FROM unnest('{scheduled,available,retryable}'::text[]) state`)
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, countingService(&errands{}), config(t, access.ServiceURL), server.Options{})
	for _, state := range []string{"scheduled", "available", "retryable"} {
		eventually(t, "the outcome of what was "+state, func() bool { return r.noted(state) == "taken back" })
	}
}

func TestJobOfAKilledWorkerIsRescued(t *testing.T) {
	t.Parallel()
	access := pgtest.Service(t, counting, nil)
	pool, err := postgres.Open(t.Context(), access.ServiceURL, postgres.Options{Service: counting})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	_, err = pool.Exec(t.Context(), `INSERT INTO river_job (kind, args, metadata, attempt, max_attempts, queue, state, attempted_at, attempted_by)
		VALUES ('errand', '{"jobs":[{"tenant":"acme","subject":"x","args":{"what":"rescued"}}]}', '{}', 1, 32767, 'default', 'running', now() - interval '16 seconds', '{nobody}')`)
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, countingService(&errands{}), config(t, access.ServiceURL), server.Options{})
	eventually(t, "the outcome", func() bool { return r.noted("x") == "rescued" })
}

func TestStoppingGivesJobsBack(t *testing.T) {
	t.Parallel()
	access := pgtest.Service(t, counting, nil)
	c := config(t, access.ServiceURL)
	begun := make(chan struct{})
	e := &errands{}
	e.on("errand", func(ctx context.Context, _ *server.App, _ server.JobOf[errand]) error {
		close(begun)
		<-ctx.Done() // longer than anybody waits
		return ctx.Err()
	})
	r := run(t, countingService(e), c, server.Options{})
	r.waitFor("/readyz", http.StatusOK)
	r.ask(order, "errand")
	<-begun
	began := time.Now()
	r.stop()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopping took %v", took)
	}
	r = run(t, countingService(&errands{}), c, server.Options{})
	eventually(t, "the outcome", func() bool { return r.noted(order) == "errand" })
}

func TestManyJobsAreAllDoneOnce(t *testing.T) {
	t.Parallel()
	var done atomic.Int64
	e := &errands{}
	e.on("errand", func(context.Context, *server.App, server.JobOf[errand]) error { done.Add(1); return nil })
	r := runCounting(t, e)
	const jobs = 300
	work := make(chan struct{})
	for range 8 {
		go func() {
			for range work {
				r.ask(order, "errand")
			}
		}()
	}
	for range jobs {
		work <- struct{}{}
	}
	close(work)
	eventually(t, "all jobs", func() bool { return completedJobs(t, r) == jobs })
	if done.Load() != jobs {
		t.Errorf("%d were done", done.Load())
	}
}

// The jobs of a commit share rows of River's. Where one fails those beside it are not held up: they are done, and
// asked again with it.
func TestJobsOfACommitShareRows(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	var beside sync.Map
	e := &errands{}
	e.on("stubborn", func(ctx context.Context, app *server.App, job server.JobOf[errand]) error {
		if tries.Add(1) < 3 {
			return errors.New("not yet")
		}
		return app.Record(ctx, job.Job, note(job.Tenant, job.Subject, "stubborn"))
	})
	e.on("willing", func(_ context.Context, _ *server.App, job server.JobOf[errand]) error {
		beside.LoadOrStore(job.Attempt, tries.Load())
		return nil
	})
	r := runCounting(t, e)
	asked := []es.Job{errand{"stubborn"}}
	for range 24 {
		asked = append(asked, errand{"willing"})
	}
	if _, err := r.App().Handle(t.Context(), eventlog.Request{Command: add("acme", order, 1, asked...), Tenant: "acme", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the outcome", func() bool { return r.noted(order) == "stubborn" })
	eventually(t, "both rows", func() bool { return jobRow(t, r, "state = 'completed'") == 2 })
	if n := jobRow(t, r, "jsonb_array_length(args -> 'jobs') IN (20, 5)"); n != 2 {
		t.Errorf("%d rows are of 20 and 5 jobs", n)
	}
	for attempt := range 3 {
		if _, ok := beside.Load(attempt + 1); !ok {
			t.Errorf("attempt %d was not made of those beside", attempt+1)
		}
	}
	failures := r.logs.lines(t, "a job failed and is done again")
	if len(failures) != 2 || failures[0]["order"] != order {
		t.Errorf("told %v", failures)
	}
	if metrics := r.call("GET", "/metrics", "").raw; !strings.Contains(metrics, `job_attempts_total{kind="errand",outcome="failed"} 2`) {
		t.Error("the failed attempts are not counted")
	}
}
