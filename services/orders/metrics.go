package orders

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/postgres"
	"waybill.dev/platform/server"
	"waybill.dev/services/orders/order"
)

const (
	// countEvery is how often the table is counted at most, however often metrics are asked for.
	countEvery = 5 * time.Second
	// countTimeout bounds what one count waits for.
	countTimeout = 2 * time.Second
	// countMost is as far as orders are counted, so that a count costs the same in a catastrophe.
	countMost = 10_000
)

// troubles counts the orders that somebody should look at, over all tenants, when metrics are asked for. Each replica
// tells the same. What cannot be counted is told by the absence of its series.
type troubles struct {
	pool *pgxpool.Pool
	most int

	attention, overdue, oldest *prometheus.Desc

	mu      sync.Mutex
	counted time.Time
	metrics []prometheus.Metric
}

func newTroubles(pool *pgxpool.Pool, most int) *troubles {
	return &troubles{
		pool: pool, most: most,
		attention: prometheus.NewDesc("orders_attention",
			"Orders that a person must look at now, by reason; one with two reasons counts for each. Counted up to 10000.", []string{"reason"}, nil),
		overdue: prometheus.NewDesc("orders_overdue",
			"Orders whose next step is past its time now and not judged yet, by step. Counted up to 10000.", []string{"step"}, nil),
		oldest: prometheus.NewDesc("orders_overdue_oldest_age_seconds",
			"How long the longest overdue step has been due; 0 where none is.", nil, nil),
	}
}

// measure tells the metrics while the service runs.
func measure(ctx context.Context, app *server.App) error {
	t := newTroubles(app.Pool, countMost)
	if err := app.Metrics.Register(t); err != nil {
		return err
	}
	defer app.Metrics.Unregister(t)
	<-ctx.Done()
	return nil
}

// Describe is for Prometheus.
func (t *troubles) Describe(ch chan<- *prometheus.Desc) {
	ch <- t.attention
	ch <- t.overdue
	ch <- t.oldest
}

// Collect is for Prometheus.
func (t *troubles) Collect(ch chan<- prometheus.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.counted) > countEvery {
		ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
		defer cancel()
		metrics, err := t.count(ctx)
		if err != nil {
			metrics = nil
		}
		t.metrics, t.counted = metrics, clock.Monotonic()
	}
	for _, m := range t.metrics {
		ch <- m
	}
}

const (
	// Both are read from their indexes alone, of which they read no more than $1 entries.
	countAttention = `SELECT attention_kinds, count(*) FROM (
	SELECT attention_kinds FROM orders WHERE attention <> '' LIMIT $1) AS looked_at GROUP BY attention_kinds`
	countOverdue = `SELECT next_step, count(*), min(due_at) FROM (
	SELECT next_step, due_at FROM orders WHERE due_at <= $2 ORDER BY due_at LIMIT $1) AS late GROUP BY next_step`
)

func (t *troubles) count(ctx context.Context) ([]prometheus.Metric, error) {
	now, err := postgres.Now(ctx, t.pool)
	if err != nil {
		return nil, err
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
		return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	var metrics []prometheus.Metric

	reasons := map[string]int{reasonOther: 0}
	for _, r := range knownReasons() {
		reasons[r] = 0
	}
	rows, err := t.pool.Query(ctx, countAttention, t.most)
	if err != nil {
		return nil, err
	}
	var kinds string
	var orders int
	if _, err := pgx.ForEachRow(rows, []any{&kinds, &orders}, func() error {
		for _, kind := range strings.Split(kinds, "; ") {
			reasons[reasonOf(kind)] += orders
		}
		return nil
	}); err != nil {
		return nil, err
	}
	for reason, n := range reasons {
		metrics = append(metrics, gauge(t.attention, float64(n), reason))
	}

	steps := map[string]int{}
	for _, s := range order.Steps() {
		steps[string(s)] = 0
	}
	rows, err = t.pool.Query(ctx, countOverdue, t.most, now)
	if err != nil {
		return nil, err
	}
	var step string
	var due time.Time
	age := 0.0
	if _, err := pgx.ForEachRow(rows, []any{&step, &orders, &due}, func() error {
		steps[step] = orders
		age = max(age, now.Sub(due).Seconds())
		return nil
	}); err != nil {
		return nil, err
	}
	for step, n := range steps {
		metrics = append(metrics, gauge(t.overdue, float64(n), step))
	}
	return append(metrics, gauge(t.oldest, age)), nil
}

// reasonOther stands for what another service has said and this one has no name for.
const reasonOther = "other"

// knownReasons are the values of the metric's label: what there is no alert for need not be a series of its own.
func knownReasons() []string {
	reasons := []string{"capture_refused", "void_refused", "refund_refused", "shipment_cancel_refused"}
	for _, s := range order.Steps() {
		reasons = append(reasons, string(s)+"_overdue")
	}
	return reasons
}

// reasonOf is the label of one reason as the column attention_kinds has it: "capture refused", "capture is overdue".
func reasonOf(kind string) string {
	label := strings.ReplaceAll(strings.Replace(kind, " is overdue", " overdue", 1), " ", "_")
	for _, known := range knownReasons() {
		if label == known {
			return known
		}
	}
	return reasonOther
}
