package messaging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/internal/pace"
)

// RelayConfig says whose outbox is published, and where.
type RelayConfig struct {
	// Pool connects as the service's role, with the service's schema as its search_path.
	Pool *pgxpool.Pool
	// Service is the name of the service, for log lines.
	Service string
	Brokers []string
	// TopicPrefix stands before the name of every topic; "" in production.
	TopicPrefix string
	Logger      *slog.Logger
	// Metrics takes outbox_depth, outbox_oldest_age_seconds, outbox_sent_total and outbox_refused_total; nil for
	// nobody.
	Metrics prometheus.Registerer
	// Tracer records a span for each message of a recorded trace; nil for none.
	Tracer trace.Tracer

	// After holds the publication up until it is closed, and nothing else: the outbox is measured meanwhile. nil
	// holds nothing up.
	After <-chan struct{}
	// Keep is how long a row is kept after it has been sent; 0 is an hour.
	Keep time.Duration
	// BatchRows bounds the rows of a batch; 0 is 1,000.
	BatchRows int
}

// Relay publishes the outbox of one service. Any number may run for one outbox: one leads, and the others stand by.
//
// A row that Kafka refuses for good (it is too large, or its topic is not declared) does not hold up those behind
// it, and is not dropped: it is parked whole, in the transaction that moves the offset past it, logged as an
// error and counted by outbox_refused_total. A topic that does not exist is created; any other failure is one of
// Kafka as a whole, and is waited out.
type Relay struct {
	RelayConfig
	producer *producer
	wake     chan struct{}

	sent      prometheus.Counter
	refused   prometheus.Counter
	depth     prometheus.Gauge
	oldestAge prometheus.Gauge

	// unreachable is why Kafka took nothing when it was last asked.
	unreachable atomic.Pointer[error]
}

// pace is when the relay looks at the outbox again.
const (
	idlePoll = time.Second
	busyPoll = 20 * time.Millisecond
	// wokenPoll is for as long as the commits of this process are all that is sent: they wake the relay themselves.
	wokenPoll = 100 * time.Millisecond
	// busyFor is how long after the last sign of traffic the relay polls fast: commits of other replicas do not
	// wake it, and rows may be hidden for a moment.
	busyFor = 500 * time.Millisecond
	// After a batch that was not full the relay rests twice as long as it took, up to a longest time: the busier the
	// machine, the fewer and larger the batches. A row that comes alone finds a relay that has rested.
	restLongest = 80 * time.Millisecond
	// retryFirst and retryLast are the pauses after a batch that could not be sent, and after a lost session.
	retryFirst = 100 * time.Millisecond
	retryLast  = 2 * time.Second
	// measureEvery is how often the depth of the outbox is taken.
	measureEvery = 5 * time.Second
	// sweepRows bounds the rows that one statement deletes.
	sweepRows = 1000
)

// hiddenFor are the pauses before the relay looks again after a wake: rows stay hidden as long as any older
// transaction is running on the server, which is a few milliseconds.
var hiddenFor = [...]time.Duration{2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond}

// NewRelay prepares a relay; Run makes it work.
func NewRelay(c RelayConfig) (*Relay, error) {
	if c.Pool == nil || len(c.Brokers) == 0 {
		return nil, errors.New("relay: Pool and Brokers are needed")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Keep <= 0 {
		c.Keep = time.Hour
	}
	if c.BatchRows <= 0 {
		c.BatchRows = 1000
	}
	c.Logger = c.Logger.With("component", "relay", "service", c.Service)
	r := &Relay{RelayConfig: c, producer: newProducer(c.Brokers, c.TopicPrefix), wake: make(chan struct{}, 1)}
	return r, r.registerMetrics()
}

func (r *Relay) registerMetrics() (err error) {
	for _, c := range []struct {
		into       *prometheus.Counter
		name, help string
	}{
		{&r.sent, "outbox_sent_total", "Rows of the outbox that Kafka has acknowledged, repeats included."},
		{&r.refused, "outbox_refused_total", "Rows of the outbox that Kafka refused for good, and that were parked."},
	} {
		opts := prometheus.CounterOpts{Name: c.name, Help: c.help}
		if *c.into, err = register(r.Metrics, prometheus.NewCounter(opts)); err != nil {
			return fmt.Errorf("relay: %w", err)
		}
	}
	for _, g := range []struct {
		into       *prometheus.Gauge
		name, help string
	}{
		{&r.depth, "outbox_depth", fmt.Sprintf("Rows of the outbox that wait to be sent, up to %d; 0 where another replica leads.", depthLimit)},
		{&r.oldestAge, "outbox_oldest_age_seconds", "How long the oldest row that waits to be sent has waited; 0 where another replica leads."},
	} {
		opts := prometheus.GaugeOpts{Name: g.name, Help: g.help}
		if *g.into, err = register(r.Metrics, prometheus.NewGauge(opts)); err != nil {
			return fmt.Errorf("relay: %w", err)
		}
	}
	return nil
}

// Wake makes the relay look at the outbox now. It never blocks; many wakes at once are one.
func (r *Relay) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Degraded says what is amiss, for people: nothing, or that Kafka took nothing when it was last asked.
func (r *Relay) Degraded() []string {
	if err := r.unreachable.Load(); err != nil {
		return []string{"kafka: events cannot be published"}
	}
	return nil
}

// Run publishes until the context ends. PostgreSQL or Kafka may come and go.
func (r *Relay) Run(ctx context.Context) error {
	defer r.producer.disconnect()
	pause := pace.Backoff{First: retryFirst, Last: retryLast}
	for ctx.Err() == nil {
		led, err := r.standBy(ctx)
		if ctx.Err() != nil {
			break
		}
		if led {
			pause.Reset()
		}
		r.Logger.Warn("the relay has lost its session with PostgreSQL", "error", err)
		pause.Wait(ctx)
	}
	return nil
}

// standBy waits for the lead and then publishes, until the session is lost.
func (r *Relay) standBy(ctx context.Context) (led bool, err error) {
	l, err := connect(ctx, r.Pool, "watermill_outbox")
	if err != nil {
		return false, err
	}
	defer l.close()
	for !led {
		if led, err = l.take(ctx); err != nil {
			return false, err
		}
		if !led && !pace.Sleep(ctx, standIn) {
			return false, nil
		}
	}
	r.Logger.Info("the relay leads")
	defer r.unreachable.Store(nil) // whoever does not lead does not know
	ctx, resign := context.WithCancelCause(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer resign(nil)
	beside.Go(func() {
		if err := l.keep(ctx); err != nil {
			resign(err)
		}
	})
	beside.Go(func() { r.measure(ctx) })
	beside.Go(func() { r.sweep(ctx) })
	if r.After != nil {
		select {
		case <-r.After:
		case <-ctx.Done():
			return true, context.Cause(ctx)
		}
	}
	err = r.publish(ctx, l)
	return true, errors.Join(err, context.Cause(ctx))
}

// publish sends what is in the outbox, batch after batch.
func (r *Relay) publish(ctx context.Context, l *lead) error {
	var at position
	err := l.do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		at, err = sentUntil(ctx, conn)
		return err
	})
	if err != nil {
		return err
	}
	pause := pace.Backoff{First: retryFirst, Last: retryLast}
	looks, busyUntil, poll := 0, clock.Monotonic().Add(busyFor), busyPoll
	var due time.Time
	woken := true
	for {
		if wait := time.Until(due); wait > 0 && !pace.Sleep(ctx, wait) {
			return nil
		}
		var rows []row
		err := l.do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			rows, err = readOutbox(ctx, conn, at, r.BatchRows)
			return err
		})
		if err != nil {
			return err
		}
		next := idlePoll
		if len(rows) > 0 {
			began := clock.Monotonic()
			refused, err := r.producer.send(ctx, rows)
			if err != nil {
				r.failed(ctx, err, rows)
				if !pause.Wait(ctx) {
					return nil
				}
				continue
			}
			if err := r.move(ctx, l, rows, refused); err != nil {
				return err
			}
			at = rows[len(rows)-1].position
			pause.Reset()
			r.succeeded(rows, refused, began)
			busyUntil = clock.Monotonic().Add(busyFor)
			// There may be more, whether the batch was full of rows, of bytes, or not. What was waited for has come.
			next, looks = 0, len(hiddenFor)
			poll = busyPoll
			if woken {
				poll = wokenPoll
			}
			if len(rows) < r.BatchRows {
				due = clock.Monotonic().Add(min(2*time.Since(began), restLongest))
			}
		} else if looks < len(hiddenFor) {
			next = hiddenFor[looks]
			looks++
		} else if clock.Monotonic().Before(busyUntil) {
			next = poll
		}
		if next == 0 {
			continue
		}
		select {
		case <-r.wake:
			woken, looks, busyUntil = true, 0, clock.Monotonic().Add(busyFor)
		case <-time.After(next):
			woken = false
		case <-ctx.Done():
			return nil
		}
	}
}

// move parks what was refused and moves the offset past the rows, in the leader's own session: one that was
// stopped and has been replaced finds its session gone, and moves nothing. A relay that is to stop still moves it:
// what has been sent need not be sent again.
func (r *Relay) move(ctx context.Context, l *lead, rows []row, refused []refusal) error {
	to := rows[len(rows)-1].position
	return l.do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		if len(refused) == 0 {
			return moveSent(ctx, conn, to)
		}
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			for _, f := range refused {
				if err := Park(ctx, tx, f.row.parking(r.TopicPrefix, f.err)); err != nil {
					return err
				}
			}
			return moveSent(ctx, tx, to)
		})
	})
}

func (r *Relay) succeeded(rows []row, refused []refusal, began time.Time) {
	if r.unreachable.Swap(nil) != nil {
		r.Logger.Info("events are published again")
	}
	r.sent.Add(float64(len(rows) - len(refused)))
	r.refused.Add(float64(len(refused)))
	for _, f := range refused {
		r.Logger.Error("Kafka refuses a message, which has been parked", "message_uuid", f.row.uuid, "error", f.err)
	}
	traceSent(r.Tracer, r.TopicPrefix, rows, began)
}

func (r *Relay) failed(ctx context.Context, err error, rows []row) {
	if ctx.Err() != nil {
		return // it was given up, which says nothing of Kafka
	}
	if r.unreachable.Swap(&err) == nil {
		r.Logger.Warn("events cannot be published, and wait", "error", err)
	}
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		if err := r.producer.createTopics(ctx, rows); err != nil {
			r.Logger.Warn("topics cannot be created", "error", err)
		}
	}
}

// measure keeps the gauges of the outbox.
func (r *Relay) measure(ctx context.Context) {
	defer r.depth.Set(0)
	defer r.oldestAge.Set(0)
	pace.Every(ctx, measureEvery, func() {
		at, err := sentUntil(ctx, r.Pool)
		if err != nil {
			return
		}
		depth, oldest, err := measureOutbox(ctx, r.Pool, at, depthLimit)
		if err != nil {
			return
		}
		r.depth.Set(float64(depth))
		r.oldestAge.Set(oldest.Seconds())
	})
}

// sweep deletes what was sent long enough ago, a little at a time.
func (r *Relay) sweep(ctx context.Context) {
	pace.Every(ctx, max(r.Keep/60, 10*time.Millisecond), func() {
		err := markSent(ctx, r.Pool)
		for deleted := int64(sweepRows); err == nil && deleted == sweepRows; {
			deleted, err = sweepSent(ctx, r.Pool, r.Keep, sweepRows)
		}
		if err == nil {
			err = forgetMarks(ctx, r.Pool, r.Keep)
		}
		if err != nil && ctx.Err() == nil {
			r.Logger.Warn("the outbox cannot be swept, and is tried again", "error", err)
		}
	})
}
