package orders

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/postgres"
	"waybill.dev/platform/server"
	"waybill.dev/services/orders/order"
)

const (
	// lookEvery is how often the table is asked for what is overdue: one look into a small index.
	lookEvery = time.Second
	// lookTimeout bounds what one look waits for.
	lookTimeout = 5 * time.Second
	// gap is how far two looks may be apart and still be one unbroken watch over Kafka. A process that was stopped
	// has watched nothing.
	gap = lookEvery + 2*lookTimeout
	// overdueRows are judged at a time, overdueTogether of them at once, so that they share commits.
	overdueRows     = 500
	overdueTogether = 32
)

// judge finds out which awaited facts have not come in time, as opposed to have not been heard yet.
//
// A fact that was said in time may still lie in the outbox of the service that said it, in Kafka, or in a partition
// that this service has not read. So a step is judged only a settling time after it was due, if Kafka was in reach
// for all of that time, our own outbox lets nothing lie, and the group has then read every partition up to the end
// that was seen after it. Any number of replicas may judge at once: the command looks again at the order itself.
type judge struct {
	settle time.Duration
	// now is what time it is by the clock that all replicas share. By its own, one that is ahead would cancel every
	// order that waits for something.
	now func(context.Context) (time.Time, error)
	// overdue are the next orders behind another with a step due by a time, the longest overdue first: overdueRows of
	// them, unless there are no more.
	overdue func(ctx context.Context, by time.Time, behind overdue) ([]overdue, error)
	// caughtUp notes how far Kafka goes, and returns what says whether the group has read as far.
	caughtUp func(ctx context.Context) (func(context.Context) (bool, error), error)
	// unsent is how long the oldest message has waited in our own outbox, 0 where none waits.
	unsent func(ctx context.Context) (time.Duration, error)
	// expire judges one order, knowing all that was said until a time.
	expire func(ctx context.Context, o overdue, read time.Time) error

	// since is from when on Kafka has been in reach at each look, and last the last of them.
	since, last time.Time
	// read says whether the group has read as far as Kafka went at readAt; nil where this was not asked yet.
	read   func(context.Context) (bool, error)
	readAt time.Time
}

// look is what is done once a second. Its error says that something is out of reach: the watch begins anew.
func (j *judge) look(ctx context.Context) error {
	now, err := j.now(ctx)
	if err != nil {
		j.forget()
		return err
	}
	rows, err := j.overdue(ctx, now, overdue{})
	if err != nil || len(rows) == 0 {
		j.forget()
		return err
	}
	reached, err := j.caughtUp(ctx)
	if err != nil {
		j.forget()
		return err
	}
	if j.since.IsZero() || now.Sub(j.last) > gap || now.Before(j.last) { // a clock may be put back
		j.forget()
		j.since = now
	}
	j.last = now
	if now.Sub(j.since) < j.settle {
		return nil
	}
	if waiting, err := j.unsent(ctx); err != nil || waiting > j.settle {
		j.read = nil
		return err
	}
	if j.read == nil {
		j.read, j.readAt = reached, now
	}
	done, err := j.read(ctx)
	if err != nil {
		j.forget()
		return err
	}
	if !done {
		return nil
	}
	until := j.readAt.Add(-j.settle)
	j.read = nil
	return j.expireAll(ctx, rows, until)
}

// expireAll judges the orders that were due by then, page after page: those that cannot be judged stay where they are,
// and must not stand before the others for ever.
func (j *judge) expireAll(ctx context.Context, rows []overdue, until time.Time) error {
	var failed []error
	for {
		if err := j.expirePage(ctx, rows, until); err != nil {
			failed = append(failed, err)
		}
		if len(rows) < overdueRows || ctx.Err() != nil {
			return errors.Join(failed...)
		}
		var err error
		if rows, err = j.overdue(ctx, until, rows[len(rows)-1]); err != nil {
			return errors.Join(append(failed, err)...)
		}
	}
}

// forget begins the watch anew.
func (j *judge) forget() { j.since, j.last, j.read = time.Time{}, time.Time{}, nil }

// expirePage judges those of the rows that were due by then, many at once. Its error is one of theirs.
func (j *judge) expirePage(ctx context.Context, rows []overdue, until time.Time) error {
	var mu sync.Mutex
	var failed error
	var running sync.WaitGroup
	slots := make(chan struct{}, overdueTogether)
	for _, o := range rows {
		if o.Due.After(until) {
			break
		}
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			if err := j.expire(ctx, o, until); err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
			}
		})
	}
	running.Wait()
	return failed
}

// watchDeadlines judges overdue orders until the context ends.
func watchDeadlines(settle time.Duration) func(context.Context, *server.App) error {
	return func(ctx context.Context, app *server.App) error {
		missed := prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "order_deadlines_missed_total", Help: "Steps of orders that were not done in time.",
		}, []string{"step"})
		for _, step := range order.Steps() {
			missed.WithLabelValues(string(step))
		}
		if err := app.Metrics.Register(missed); err != nil {
			return err
		}
		defer app.Metrics.Unregister(missed)
		j := &judge{
			settle: settle,
			now:    func(ctx context.Context) (time.Time, error) { return postgres.Now(ctx, app.Pool) },
			overdue: func(ctx context.Context, by time.Time, behind overdue) ([]overdue, error) {
				return overdueBy(ctx, app.Pool, by, behind, overdueRows)
			},
			caughtUp: app.Consumer.CaughtUp,
			unsent: func(ctx context.Context) (time.Duration, error) {
				oldest, _, err := messaging.Unsent(ctx, app.Pool)
				return oldest, err
			},
			expire: func(ctx context.Context, o overdue, read time.Time) error {
				return expire(ctx, app, missed, o, read)
			},
		}
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for amiss := false; ; {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			look, cancel := context.WithTimeout(ctx, lookTimeout)
			err := j.look(look)
			cancel()
			if err != nil && !amiss && ctx.Err() == nil { // said once, and not every second
				app.Logger.WarnContext(ctx, "deadlines cannot be judged now", "error", err)
			}
			amiss = err != nil
		}
	}
}

// expire has one order judged, and tells people what was missed. What comes of it belongs to the order: it carries
// the correlation of the order's placing, and its last fact as the cause.
func expire(ctx context.Context, app *server.App, missed *prometheus.CounterVec, o overdue, read time.Time) error {
	facts, err := app.Log.History(ctx, order.Category.Stream(o.Tenant, o.ID))
	if err != nil || len(facts) == 0 {
		return err
	}
	now := clock.Now().UTC()
	result, err := app.Handle(ctx, eventlog.Request{
		Command: order.On(o.Tenant, o.ID, order.Expire{Step: o.Step, Read: read, At: now}),
		Tenant:  o.Tenant, At: now,
		Subject: o.ID, // what is parked of the order may be what is waited for: it is judged when that is dealt with
		Meta: es.Meta{
			CorrelationID: facts[0].CorrelationID, CausationID: facts[len(facts)-1].ID, TraceParent: facts[0].TraceParent,
		},
	})
	if err != nil {
		return err
	}
	if len(result.Facts) > 0 {
		missed.WithLabelValues(string(o.Step)).Inc()
		app.Logger.LogAttrs(ctx, slog.LevelWarn, "an order's deadline was missed",
			slog.String("tenant", o.Tenant), slog.String("order", o.ID), slog.String("correlation_id", facts[0].CorrelationID),
			slog.String("step", string(o.Step)), slog.Time("due", o.Due), slog.String("fact", result.Facts[0].Event.Kind()))
	}
	return nil
}
