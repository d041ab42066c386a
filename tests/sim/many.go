package sim

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"waybill.dev/cmd/waybill/audit"
)

// Report is what many runs came to.
type Report struct {
	Runs, Orders, Steps int64
	// Years is how much time has passed in all runs together.
	Years  float64
	Took   time.Duration
	Faults Faults
	Seen   Coverage
	// Failed says that a run came to something that must not be: the first of them, by its seed.
	Failed   bool
	Seed     uint64
	Findings []audit.Finding
}

const year = 365.25 * 24 * float64(time.Hour)

// Many makes the runs of the seeds from first on, on all processors: so many, or until the context ends where runs is 0.
// It stops at the first that fails.
func (s *Simulation) Many(ctx context.Context, first uint64, runs int64) Report {
	began := time.Now()
	total := Report{Seen: Coverage{}}
	var next atomic.Int64
	var stop atomic.Bool
	var mu sync.Mutex
	var running sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		running.Go(func() {
			mine := Report{Seen: Coverage{}}
			for !stop.Load() && ctx.Err() == nil {
				n := next.Add(1) - 1
				if runs > 0 && n >= runs {
					break
				}
				seed := first + uint64(n)
				r := s.Run(seed, &mine.Seen)
				mine.add(r)
				if len(r.Findings) > 0 && (!mine.Failed || seed < mine.Seed) {
					mine.Failed, mine.Seed, mine.Findings = true, seed, r.Findings
					stop.Store(true)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total.merge(mine)
		})
	}
	running.Wait()
	total.Took = time.Since(began)
	return total
}

func (r *Report) add(one Result) {
	r.Runs++
	r.Orders += int64(one.Orders)
	r.Steps += int64(one.Steps)
	r.Years += float64(one.Lasted) / year
	r.Faults.add(one.Faults)
}

func (r *Report) merge(more Report) {
	r.Runs += more.Runs
	r.Orders += more.Orders
	r.Steps += more.Steps
	r.Years += more.Years
	r.Faults.add(more.Faults)
	r.Seen.add(more.Seen)
	if more.Failed && (!r.Failed || more.Seed < r.Seed) {
		r.Failed, r.Seed, r.Findings = true, more.Seed, more.Findings
	}
}
