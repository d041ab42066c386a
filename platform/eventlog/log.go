package eventlog

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"waybill.dev/contracts"
	"waybill.dev/platform/clock"
	"waybill.dev/platform/es"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are goose migrations of the tables that every service has.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Config says whose log it is and what follows from its facts.
type Config struct {
	// Service is the name of the service and of its schema.
	Service string
	// Pool connects as the service's role, with the service's schema as its search_path.
	Pool *pgxpool.Pool
	// Categories are the service's streams, in the order in which they are locked.
	Categories []es.Erased
	// Publish translates a fact into integration events. It is pure: the outbox can be worked out from the log.
	Publish func(es.Recorded) []contracts.Event
	// Project queues the statements of inline projections into the commit's batch; nil for none.
	Project func(*pgx.Batch, []Change)
	// InsertJobs enqueues durable jobs in the commit's transaction; nil where the service has none.
	InsertJobs func(context.Context, pgx.Tx, []Job) error
	// Committed is called after each commit that wrote to the outbox, and must not block; nil for nobody.
	Committed func()
	Logger    *slog.Logger
	Tracer    trace.Tracer
	Metrics   prometheus.Registerer
}

// Job is durable work that a decision asked for, with what it is done for.
type Job struct {
	Args   es.Job
	Tenant string
	// Subject is the id of the stream that the command was about first.
	Subject string
	Meta    es.Meta
}

// Change is what a commit did to one stream, for projections.
type Change struct {
	Stream es.StreamID
	// States holds the stream as it is after the commit.
	States es.States
	Facts  []es.Recorded
}

const (
	// restLongest is how long a lane rests between two commits at most, and so how long a message waits for others.
	restLongest        = 40 * time.Millisecond
	restLongestCallers = 10 * time.Millisecond
	// singles is how many commands run singly at a time, beside the shared commits.
	singles = 8
	// sharedCommands and sharedLocks bound one shared commit: PostgreSQL's lock table is finite.
	sharedCommands = 100
	sharedLocks    = 500
	// keyWait is how long a request waits for the first one under its idempotency key, and streamWait how long for a
	// stream that somebody else has locked. Only commands that run singly wait.
	keyWait    = 5 * time.Second
	streamWait = 10 * time.Second
	// commitTimeout ends a commit on a server that has stopped answering.
	commitTimeout = 15 * time.Second
	// raceTries bounds how often a command is run again after losing a race.
	raceTries = 5
)

// Log runs the commands of one service.
type Log struct {
	Config
	categories map[string]category
	callers    lane // of those who wait for an answer
	others     lane // of messages and of jobs' outcomes
	stopped    chan struct{}
	reads      reads
	cache      cache
	singly     sync.WaitGroup
	single     chan struct{} // a place for each that runs
	shared     prometheus.Histogram
}

type category struct {
	es.Erased
	rank int
}

// pending is a request that waits for its commit.
type pending struct {
	Request
	done chan outcome
}

type outcome struct {
	result Result
	err    error
}

// New prepares a log; Run makes it work.
func New(c Config) (*Log, error) {
	if c.Service == "" || c.Pool == nil || c.Publish == nil || len(c.Categories) == 0 {
		return nil, errors.New("eventlog: Service, Pool, Publish and Categories are needed")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Tracer == nil {
		c.Tracer = noop.NewTracerProvider().Tracer("")
	}
	l := &Log{
		Config:     c,
		categories: map[string]category{},
		callers:    newLane(restLongestCallers),
		others:     newLane(restLongest),
		stopped:    make(chan struct{}),
		cache:      newCache(),
		single:     make(chan struct{}, singles),
		shared: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "eventlog_commit_commands",
			Help:    "Commands that shared one commit.",
			Buckets: []float64{1, 2, 5, 10, 20, 50, 100},
		}),
	}
	for rank, erased := range c.Categories {
		name := erased.CategoryName()
		if _, twice := l.categories[name]; twice {
			return nil, fmt.Errorf("eventlog: category %q stands twice", name)
		}
		l.categories[name] = category{erased, rank}
	}
	if c.Metrics != nil {
		if err := c.Metrics.Register(l.shared); err != nil {
			return nil, fmt.Errorf("eventlog: %w", err)
		}
	}
	return l, nil
}

// Run commits what Handle is given until the context ends, and then what is under way.
func (l *Log) Run(ctx context.Context) {
	defer close(l.stopped)
	var lanes sync.WaitGroup
	for _, lane := range []*lane{&l.callers, &l.others} {
		lanes.Go(func() {
			for batch := lane.next(ctx); batch != nil; batch = lane.next(ctx) {
				began := clock.Monotonic()
				// What has begun is brought to its end even when the log is being stopped.
				l.commit(context.WithoutCancel(ctx), batch)
				lane.ended, lane.took = clock.Monotonic(), time.Since(began)
			}
		})
	}
	lanes.Wait()
	l.singly.Wait()
}

// Handle runs the command and waits for its commit. Its errors are a *es.Refusal, which is what the command
// decided; ErrUnavailable, ErrUnderWay and ErrKeyReused; anything else is a bug, and will happen again.
func (l *Log) Handle(ctx context.Context, r Request) (Result, error) {
	ctx, span := l.Tracer.Start(ctx, "eventlog.handle")
	defer span.End()
	p := &pending{Request: r, done: make(chan outcome, 1)}
	queue := l.others.queue
	if r.Respond != nil {
		queue = l.callers.queue
	}
	select {
	case queue <- p:
	case <-l.stopped:
		return Result{}, fmt.Errorf("%w: it has been stopped", ErrUnavailable)
	case <-ctx.Done():
		return Result{}, fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
	}
	select {
	case o := <-p.done:
		return o.result, o.err
	case <-ctx.Done():
		return Result{}, fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
	}
}
