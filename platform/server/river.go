package server

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/eventlog"
)

const (
	// jobTimeout ends one attempt; a worker that was killed is noticed by rescueAfter, and must be the longer.
	jobTimeout  = 10 * time.Second
	rescueAfter = 15 * time.Second
	// maxAttempts is all that River's column can hold. Only crashes of the whole process count: see again.
	maxAttempts = 1<<15 - 1

	// fetchCooldown gathers what is enqueued at about the same moment. Jobs enqueued here wake their workers at
	// once, and so does the end of a pause; the poll is for what other replicas leave behind.
	fetchCooldown = 50 * time.Millisecond
	fetchPoll     = 5 * time.Second

	// restAfter is how long nothing is enqueued before River is stopped until there is work again.
	restAfter = 5 * time.Second

	completedKeptFor = time.Hour

	// What asks a system outside is fetched after what does not: a backlog before a slow system holds up nothing else.
	priorityFirst, priorityOutside = 1, 2
)

// jobs works a service's durable jobs, with River.
type jobs struct {
	app     *App
	workers *river.Workers
	client  *river.Client[pgx.Tx]
	wake    *waker
	metrics jobMetrics
	// partners are the systems outside that are asked.
	partners *partners
	troubles *troubles
	running  atomic.Bool
	// inserted is when jobs were enqueued last, in nanoseconds of the Unix epoch.
	inserted atomic.Int64
}

func newJobs(app *App, register func(*Workers)) (*jobs, error) {
	j := &jobs{
		app: app, workers: river.NewWorkers(), wake: newWaker(), metrics: newJobMetrics(),
		partners: newPartners(app.Config.JobWorkers), troubles: newTroubles(app.Config.JobCooldowns),
	}
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
		RetryPolicy:                 retryPolicy{app.Config.JobCooldowns},
		CompletedJobRetentionPeriod: completedKeptFor,
		CancelledJobRetentionPeriod: -1,
		DiscardedJobRetentionPeriod: -1,
		// Only an owner may rebuild an index, and the service owns nothing.
		ReindexerIndexNames: []string{},
		Middleware:          []rivertype.Middleware{&again{jobs: j}},
		Logger:              slog.New(quiet{app.Logger.Handler()}),
		// River keeps this setting with those for tests; it is all that says what time it is.
		Test: river.TestConfig{Time: riverClock{}},
	})
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	j.client = client
	return j, nil
}

// riverClock is the clock for River's own loops.
type riverClock struct{}

func (riverClock) Now() time.Time { return clock.Now() }

// NowOrNil leaves to the database what is the database's to say.
func (riverClock) NowOrNil() *time.Time { return nil }

// insert enqueues the jobs in the commit that decided on them, those of a kind together.
func (j *jobs) insert(ctx context.Context, tx pgx.Tx, decided []eventlog.Job) error {
	var params []river.InsertManyParams
	for _, row := range rowsOf(decided) {
		priority := priorityFirst
		if j.partners.asked[row.kind] {
			priority = priorityOutside
		}
		params = append(params, river.InsertManyParams{Args: row, InsertOpts: &river.InsertOpts{Priority: priority}})
	}
	_, err := j.client.InsertManyFastTx(ctx, tx, params)
	j.inserted.Store(clock.Monotonic().UnixNano())
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

// awaitRest returns when nothing has been enqueued for a while and all is done, or the context ends, or River has stopped:
// one that was still about to stop when it was started has not been.
func (j *jobs) awaitRest(ctx context.Context) {
	tick := time.NewTicker(restAfter)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-j.client.Stopped():
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
