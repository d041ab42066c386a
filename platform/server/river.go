package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/tracecontext"
)

const (
	// jobTimeout ends one attempt; a worker that was killed is noticed by rescueAfter, and must be the longer.
	jobTimeout  = 10 * time.Second
	rescueAfter = 15 * time.Second
	// maxAttempts is all that River's column can hold. Only crashes of the whole process count: see again.
	maxAttempts = 1<<15 - 1

	firstPause = 200 * time.Millisecond
	longPause  = 30 * time.Second

	// fetchCooldown gathers what is enqueued at about the same moment. Jobs enqueued here wake their workers at
	// once, and so does the end of a pause; the poll is for what other replicas leave behind.
	fetchCooldown = 50 * time.Millisecond
	fetchPoll     = 5 * time.Second

	// restAfter is how long nothing is enqueued before River is stopped until there is work again.
	restAfter = 5 * time.Second

	completedKeptFor = time.Hour
)

// jobs works a service's durable jobs, with River.
type jobs struct {
	app     *App
	workers *river.Workers
	client  *river.Client[pgx.Tx]
	wake    *waker
	metrics jobMetrics
	running atomic.Bool
	// inserted is when jobs were enqueued last, in nanoseconds of the Unix epoch.
	inserted atomic.Int64
}

// jobMetadata is kept beside a job's arguments.
type jobMetadata struct {
	Tenant        string `json:"tenant"`
	Subject       string `json:"subject"`
	CorrelationID string `json:"correlation_id"`
	CausationID   string `json:"causation_id"`
	TraceParent   string `json:"traceparent"`
	// Snoozes is kept by River.
	Snoozes int `json:"snoozes,omitempty"`
}

func newJobs(app *App, register func(*Workers)) (*jobs, error) {
	j := &jobs{app: app, workers: river.NewWorkers(), wake: newWaker(), metrics: newJobMetrics()}
	var w Workers
	register(&w)
	for _, add := range w.add {
		add(j)
	}
	client, err := river.NewClient(driver{riverpgxv5.New(app.Pool), j.wake}, &river.Config{
		Schema:  app.Service,
		Workers: j.workers,
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: app.Config.JobWorkers}},
		// A kind that only another version knows is left for that version.
		FetchOnlyKnownKinds:         true,
		FetchCooldown:               fetchCooldown,
		FetchPollInterval:           fetchPoll,
		JobTimeout:                  jobTimeout,
		RescueStuckJobsAfter:        rescueAfter,
		SoftStopTimeout:             softStop,
		MaxAttempts:                 maxAttempts,
		RetryPolicy:                 retryPolicy{},
		CompletedJobRetentionPeriod: completedKeptFor,
		CancelledJobRetentionPeriod: -1,
		DiscardedJobRetentionPeriod: -1,
		// Only an owner may rebuild an index, and the service owns nothing.
		ReindexerIndexNames: []string{},
		Middleware:          []rivertype.Middleware{&again{jobs: j}},
		Logger:              slog.New(quiet{app.Logger.Handler()}),
	})
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	j.client = client
	return j, nil
}

// insert enqueues the jobs in the commit that decided on them.
func (j *jobs) insert(ctx context.Context, tx pgx.Tx, decided []eventlog.Job) error {
	params := make([]river.InsertManyParams, 0, len(decided))
	for _, d := range decided {
		metadata, err := json.Marshal(jobMetadata{
			Tenant: d.Tenant, Subject: d.Subject,
			CorrelationID: d.Meta.CorrelationID, CausationID: d.Meta.CausationID, TraceParent: d.Meta.TraceParent,
		})
		if err != nil {
			return err
		}
		params = append(params, river.InsertManyParams{Args: d.Args, InsertOpts: &river.InsertOpts{Metadata: metadata}})
	}
	_, err := j.client.InsertManyFastTx(ctx, tx, params)
	j.inserted.Store(time.Now().UnixNano())
	return err
}

// wakeLate wakes the workers where jobs were enqueued a moment ago. It is asked after each commit: the log does
// not say whether this one held jobs.
func (j *jobs) wakeLate() {
	if j != nil && time.Since(time.Unix(0, j.inserted.Load())) < time.Second {
		j.wake.now()
	}
}

// run works jobs until the context ends, and then finishes what it has begun. While there are none River is
// stopped: its own loops wake some twenty times a second, whether there is anything to do or not.
func (j *jobs) run(ctx context.Context) error {
	defer j.running.Store(false)
	for ctx.Err() == nil {
		if err := j.client.Start(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		j.running.Store(true)
		j.awaitRest(ctx)
		if err := j.stop(ctx); err != nil {
			return err
		}
		j.awaitWork(ctx)
	}
	return nil
}

func (j *jobs) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), softStop+time.Second)
	defer cancel()
	return j.client.Stop(ctx)
}

// awaitRest returns when nothing has been enqueued for a while and all is done, or the context ends.
func (j *jobs) awaitRest(ctx context.Context) {
	tick := time.NewTicker(restAfter)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if time.Since(time.Unix(0, j.inserted.Load())) < restAfter {
			continue
		}
		if left, err := j.left(ctx); err == nil && !left {
			return
		}
	}
}

// awaitWork returns when there is something to do, or the context ends. It looks before it waits: River may have
// heard the ring for a job that it did not take any more.
func (j *jobs) awaitWork(ctx context.Context) {
	tick := time.NewTicker(fetchPoll)
	defer tick.Stop()
	for {
		if left, err := j.left(ctx); err == nil && left {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-j.wake.ring:
			return
		case <-tick.C:
		}
	}
}

// left says whether there are jobs that are not done: waiting, under way, here or at another replica, or put off.
func (j *jobs) left(ctx context.Context) (left bool, err error) {
	err = j.app.Pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM river_job
		WHERE state IN ('available', 'pending', 'retryable', 'running', 'scheduled'))`).Scan(&left)
	return left, err
}

func addWorker[A es.Job](j *jobs, work func(context.Context, *App, JobOf[A]) error) {
	river.AddWorker(j.workers, &worker[A]{app: j.app, work: work})
}

// worker turns River's jobs into ours.
type worker[A es.Job] struct {
	river.WorkerDefaults[A]
	app  *App
	work func(context.Context, *App, JobOf[A]) error
}

func (w *worker[A]) Work(ctx context.Context, job *river.Job[A]) error {
	return w.work(ctx, w.app, JobOf[A]{Job: jobFrom(job.JobRow), Args: job.Args})
}

func jobFrom(row *rivertype.JobRow) Job {
	var m jobMetadata
	if err := json.Unmarshal(row.Metadata, &m); err != nil {
		m = jobMetadata{} // River's own, which a person may have edited: the job is done all the same
	}
	return Job{
		ID: row.ID, Attempt: row.Attempt + m.Snoozes, Tenant: m.Tenant, Subject: m.Subject,
		Meta: es.Meta{CorrelationID: m.CorrelationID, CausationID: m.CausationID, TraceParent: m.TraceParent},
	}
}

// again stands around every attempt. What fails is put off, never counted as River counts attempts: so it is
// never discarded, and its row does not grow by an error for each attempt.
type again struct {
	river.MiddlewareDefaults
	jobs *jobs
}

func (a *again) Work(ctx context.Context, row *rivertype.JobRow, doInner func(context.Context) error) error {
	app, job := a.jobs.app, jobFrom(row)
	s := &scope{correlationID: job.Meta.CorrelationID, tenant: job.Tenant}
	s.about(job.Subject)
	ctx = withScope(tracecontext.With(ctx, job.Meta.TraceParent), s)
	ctx, span := app.Tracer.Start(ctx, "job "+row.Kind, trace.WithSpanKind(trace.SpanKindConsumer))
	defer span.End()

	started := time.Now()
	err := withoutPanic(ctx, doInner)
	a.jobs.metrics.worked(row.Kind, err, time.Since(started))
	if err == nil {
		return nil
	}
	span.SetStatus(codes.Error, "failed")
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return err // the server is being stopped: River gives the job back
	}
	pause := pauseAfter(job.Attempt)
	app.Logger.WarnContext(ctx, "a job failed and is done again", "kind", row.Kind, "job", row.ID,
		"attempt", job.Attempt, "pause", pause, "error", err)
	a.jobs.wake.after(pause)
	return river.JobSnooze(pause)
}

// withoutPanic turns a panic into an error.
func withoutPanic(ctx context.Context, do func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicError(p)
		}
	}()
	return do(ctx)
}

// panicError tells where the panic came from. Its value may hold anything, an address too, so that only the
// runtime's own is told.
func panicError(p any) error {
	what := fmt.Sprintf("a %T", p)
	if own, ok := p.(runtime.Error); ok {
		what = own.Error()
	}
	return fmt.Errorf("panic: %s\n%s", what, debug.Stack())
}

// pauseAfter doubles from one attempt to the next, and spreads what failed together.
func pauseAfter(attempt int) time.Duration {
	pause := longPause
	if shift := max(attempt, 1) - 1; shift < 8 {
		pause = min(firstPause<<shift, longPause)
	}
	return pause/2 + rand.N(pause/2+1)
}

// retryPolicy is for what River itself counts as a failure: a job whose worker was killed.
type retryPolicy struct{}

func (retryPolicy) NextRetry(row *rivertype.JobRow) time.Time {
	return time.Now().Add(pauseAfter(row.Attempt))
}

// revive gives back what River has discarded all the same: a job that has brought the process down again and
// again, or of a kind that this version does not know.
func revive(ctx context.Context, app *App) error {
	tag, err := app.Pool.Exec(ctx, `UPDATE river_job SET state = 'available', attempt = 0, finalized_at = NULL, scheduled_at = now()
		WHERE state = 'discarded' AND finalized_at IS NOT NULL`)
	if err == nil && tag.RowsAffected() > 0 {
		app.Logger.ErrorContext(ctx, "discarded jobs were enqueued again", "jobs", tag.RowsAffected())
	}
	return err
}

// driver is River's driver with our own ear: a job wakes the workers of its own process without a NOTIFY in the
// commit, which would make all commits that notify wait for each other's flush, on the whole server.
type driver struct {
	*riverpgxv5.Driver
	wake *waker
}

func (d driver) SupportsListenNotify() bool { return false }

func (d driver) SupportsListener() bool { return true }

func (d driver) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	return &listener{wake: d.wake, schema: params.Schema}
}

// waker wakes the workers.
type waker struct{ ring chan struct{} }

func newWaker() *waker { return &waker{make(chan struct{}, 1)} }

func (w *waker) now() {
	select {
	case w.ring <- struct{}{}:
	default: // it has been rung and not been heard yet
	}
}

func (w *waker) after(pause time.Duration) { time.AfterFunc(pause, w.now) }

// listener hands the waker's rings to River as if PostgreSQL had notified it.
type listener struct {
	wake   *waker
	schema string
}

func (l *listener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case <-l.wake.ring:
		return &riverdriver.Notification{Topic: "river_insert", Payload: `{"queue":"` + river.QueueDefault + `"}`}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *listener) Schema() string                         { return l.schema }
func (l *listener) Connect(context.Context) error          { return nil }
func (l *listener) Close(context.Context) error            { return nil }
func (l *listener) Ping(context.Context) error             { return nil }
func (l *listener) Listen(context.Context, string) error   { return nil }
func (l *listener) Unlisten(context.Context, string) error { return nil }
func (l *listener) SetAfterConnectExec(string)             {}

// quiet keeps River's lines below warnings out of the log: it tells of every job.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
