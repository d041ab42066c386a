package server

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"waybill.dev/platform/clock"
)

type jobMetrics struct {
	attempts *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newJobMetrics() jobMetrics {
	return jobMetrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "job_attempts_total", Help: "Attempts at jobs, by how they ended.",
		}, []string{"kind", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "job_duration_seconds", Help: "How long an attempt at a job took.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10},
		}, []string{"kind"}),
	}
}

func (m jobMetrics) worked(kind string, err error, took time.Duration) {
	outcome := "done"
	switch {
	case isPutOff(err):
		outcome = "put_off"
	case err != nil:
		outcome = "failed"
	}
	m.attempts.WithLabelValues(kind, outcome).Inc()
	m.duration.WithLabelValues(kind).Observe(took.Seconds())
}

// jobCounts counts the jobs that are not done yet, when metrics are asked for and at most every few seconds.
// Those that are done are many, and counted by job_attempts_total.
type jobCounts struct {
	pool *pgxpool.Pool
	desc *prometheus.Desc

	mu      sync.Mutex
	sampled time.Time
	counts  []jobCount
}

type jobCount struct {
	Kind, State string
	Jobs        int64
}

func newJobCounts(pool *pgxpool.Pool) *jobCounts {
	return &jobCounts{pool: pool, desc: prometheus.NewDesc("jobs", "Jobs that are not done, by state.", []string{"kind", "state"}, nil)}
}

func (c *jobCounts) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

func (c *jobCounts) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.sampled) > 5*time.Second {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		rows, err := c.pool.Query(ctx, `SELECT kind, state::text, sum(coalesce(jsonb_array_length(args -> 'jobs'), 1)) FROM river_job
			WHERE state IN ('available', 'running', 'retryable', 'scheduled', 'pending', 'discarded', 'cancelled') GROUP BY 1, 2`)
		if err == nil {
			c.counts, err = pgx.CollectRows(rows, pgx.RowToStructByPos[jobCount])
		}
		if err != nil {
			c.counts = nil // unknown is told by the absence of the series
		}
		c.sampled = clock.Monotonic()
	}
	for _, n := range c.counts {
		ch <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(n.Jobs), n.Kind, n.State)
	}
}
