package server

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/postgres"
)

// clockTolerance is how far the clock may be off. Deadlines are counted from what a replica's clock has said, and judged
// by PostgreSQL's some seconds after them.
const clockTolerance = 5 * time.Second

// clockOffset is how far this process's clock is ahead of PostgreSQL's, as it was last seen; negative behind it.
type clockOffset struct {
	atomic.Int64
	gauge prometheus.Gauge
}

func newClockOffset() *clockOffset {
	return &clockOffset{gauge: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "clock_offset_seconds", Help: "How far the service's clock is ahead of PostgreSQL's; negative behind it.",
	})}
}

// compare looks at both clocks. PostgreSQL's is read somewhere between the two looks at our own.
func (o *clockOffset) compare(ctx context.Context, app *App) error {
	began, mark := clock.Now(), clock.Monotonic()
	theirs, err := postgres.Now(ctx, app.Pool)
	if err != nil {
		return err
	}
	offset := began.Sub(theirs)
	if offset < 0 { // as far as the answer took no longer
		offset = min(offset+time.Since(mark), 0)
	}
	before := time.Duration(o.Swap(int64(offset)))
	o.gauge.Set(offset.Seconds())
	if amiss := o.degraded(); len(amiss) > 0 && before.Abs() <= clockTolerance {
		app.Logger.WarnContext(ctx, amiss[0])
	}
	return nil
}

// degraded says so where the clock is too far off.
func (o *clockOffset) degraded() []string {
	offset := time.Duration(o.Load())
	if offset.Abs() <= clockTolerance {
		return nil
	}
	where := "ahead of"
	if offset < 0 {
		where = "behind"
	}
	return []string{fmt.Sprintf("clock: it is %s %s PostgreSQL's", offset.Abs().Round(time.Second), where)}
}
