package orders

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"waybill.dev/services/orders/order"
)

// world is what a judge sees, at a time that the test sets.
type world struct {
	now       time.Time
	rows      []overdue
	database  error
	kafka     error
	behind    bool // the group has not read to the end
	unsent    time.Duration
	snapshots int

	mu     sync.Mutex
	judged []string
	read   time.Time
}

func (w *world) judge(settle time.Duration) *judge {
	return &judge{
		settle: settle,
		now:    func(context.Context) (time.Time, error) { return w.now, w.database },
		overdue: func(_ context.Context, by time.Time, behind overdue) (due []overdue, err error) {
			for _, r := range w.rows { // in order
				if !r.Due.After(by) && compare(r, behind) > 0 && len(due) < overdueRows {
					due = append(due, r)
				}
			}
			return due, w.database
		},
		caughtUp: func(context.Context) (func(context.Context) (bool, error), error) {
			w.snapshots++
			return func(context.Context) (bool, error) { return !w.behind, w.kafka }, w.kafka
		},
		unsent: func(context.Context) (time.Duration, error) { return w.unsent, nil },
		expire: func(_ context.Context, o overdue, read time.Time) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.judged, w.read = append(w.judged, o.ID), read
			w.rows = slices.DeleteFunc(slices.Clone(w.rows), func(r overdue) bool { return r.ID == o.ID })
			return nil
		},
	}
}

func compare(a, b overdue) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) }

var (
	noon  = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	errKo = errors.New("out of reach")
)

// look is a look at a second after noon.
func (w *world) look(t *testing.T, j *judge, second int) error {
	t.Helper()
	w.now = noon.Add(time.Duration(second) * time.Second)
	return j.look(t.Context())
}

// watch looks once a second, from one second to another after noon, and tells when the order was judged: -1 never.
func watch(t *testing.T, j *judge, w *world, from, to int, at map[int]func()) int {
	t.Helper()
	for second := from; second <= to; second++ {
		if change := at[second]; change != nil {
			change()
		}
		before := len(w.judged)
		if err := w.look(t, j, second); err != nil && w.kafka == nil && w.database == nil {
			t.Fatal(err)
		}
		if len(w.judged) > before {
			return second
		}
	}
	return -1
}

// Put back by an hour, the clock shows the time of the last look again after an hour.
func TestAJudgeWhoseClockIsPutBackDoesNotWaitForIt(t *testing.T) {
	t.Parallel()
	w := &world{rows: []overdue{{"acme", "o", order.StepReservation, noon}}}
	j := w.judge(15 * time.Second)
	if judged := watch(t, j, w, 3600, 3605, nil); judged >= 0 {
		t.Fatalf("judged at second %d, too early", judged)
	}
	if judged := watch(t, j, w, 20, 60, nil); judged != 35 {
		t.Errorf("judged at second %d, want 35", judged)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	due := func(second int) []overdue {
		return []overdue{{"acme", "o", order.StepReservation, noon.Add(time.Duration(second) * time.Second)}}
	}
	const settle = 15
	for name, c := range map[string]struct {
		due    int
		begin  int
		at     func(*world) map[int]func()
		judged int
	}{
		"a settling time after it was due": {10, 0, nil, 25},
		"not before":                       {1000, 0, nil, -1},
		"long overdue at the start":        {-3600, 0, nil, 15},
		"in time after all": {10, 0, func(w *world) map[int]func() {
			return map[int]func(){20: func() { w.rows = nil }}
		}, -1},
		"while Kafka is away": {10, 0, func(w *world) map[int]func() {
			return map[int]func(){0: func() { w.kafka = errKo }}
		}, -1},
		"Kafka away, and back for long enough": {10, 0, func(w *world) map[int]func() {
			return map[int]func(){5: func() { w.kafka = errKo }, 60: func() { w.kafka = nil }}
		}, 75},
		"Kafka away for a moment": {10, 0, func(w *world) map[int]func() {
			return map[int]func(){20: func() { w.kafka = errKo }, 21: func() { w.kafka = nil }}
		}, 36},
		"PostgreSQL away for a moment": {10, 0, func(w *world) map[int]func() {
			return map[int]func(){20: func() { w.database = errKo }, 21: func() { w.database = nil }}
		}, 36},
		"a backlog to read": {10, 0, func(w *world) map[int]func() {
			return map[int]func(){0: func() { w.behind = true }, 50: func() { w.behind = false }}
		}, 50},
		"something unsent": {10, 0, func(w *world) map[int]func() {
			return map[int]func(){0: func() { w.unsent = time.Hour }, 50: func() { w.unsent = 10 * time.Second }}
		}, 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{rows: due(c.due)}
			var at map[int]func()
			if c.at != nil {
				at = c.at(w)
			}
			if got := watch(t, w.judge(settle*time.Second), w, c.begin, 100, at); got != c.judged {
				t.Errorf("judged at second %d, want %d", got, c.judged)
			}
			if c.judged >= 0 && w.read.Before(noon.Add(time.Duration(c.due)*time.Second)) {
				t.Errorf("judged by what was said until %v", w.read)
			}
		})
	}
}

// A process that was stopped has not seen whether Kafka was in reach meanwhile.
func TestJudgeAfterAPause(t *testing.T) {
	t.Parallel()
	w := &world{rows: []overdue{{"acme", "o", order.StepCapture, noon}}}
	j := w.judge(15 * time.Second)
	if got := watch(t, j, w, 0, 10, nil); got != -1 {
		t.Fatalf("judged at %d", got)
	}
	if got := watch(t, j, w, 3600, 3700, nil); got != 3615 {
		t.Errorf("judged at %d", got)
	}
}

// What became due after the ends were taken waits for the next time.
func TestJudgeOnlyWhatWasReadFor(t *testing.T) {
	t.Parallel()
	w := &world{behind: true, rows: []overdue{
		{"acme", "first", order.StepCapture, noon}, {"acme", "second", order.StepCapture, noon.Add(5 * time.Second)},
	}}
	j := w.judge(15 * time.Second)
	if got := watch(t, j, w, 0, 40, map[int]func(){40: func() { w.behind = false }}); got != 40 || !slices.Equal(w.judged, []string{"first"}) {
		t.Fatalf("judged %v at %d", w.judged, got)
	}
	if got := watch(t, j, w, 41, 50, nil); got != 41 || !slices.Equal(w.judged, []string{"first", "second"}) {
		t.Errorf("judged %v at %d", w.judged, got)
	}
}

// Nothing is asked of Kafka while nothing is overdue.
func TestJudgeIsCheapAtRest(t *testing.T) {
	t.Parallel()
	w := &world{rows: []overdue{{"acme", "o", order.StepCapture, noon.Add(time.Hour)}}}
	if watch(t, w.judge(time.Second), w, 0, 60, nil); w.snapshots != 0 {
		t.Errorf("Kafka was asked %d times", w.snapshots)
	}
}

// One order that cannot be judged does not hold up the others, and is told of.
func TestJudgeTellsWhatFails(t *testing.T) {
	t.Parallel()
	w := &world{}
	for i := range 100 {
		w.rows = append(w.rows, overdue{"acme", string(rune('A' + i)), order.StepCapture, noon})
	}
	j := w.judge(time.Second)
	expire := j.expire
	j.expire = func(ctx context.Context, o overdue, read time.Time) error {
		if o.ID == "B" {
			return errKo
		}
		return expire(ctx, o, read)
	}
	var err error
	for second := range 3 {
		err = errors.Join(err, w.look(t, j, second))
	}
	if !errors.Is(err, errKo) || len(w.judged) != 99 {
		t.Errorf("%d judged, error %v", len(w.judged), err)
	}
}

// Orders that cannot be judged, as many as are read at a time and more, do not keep the later ones from it.
func TestJudgeGoesOnBehindWhatFails(t *testing.T) {
	t.Parallel()
	w := &world{}
	for i := range 2*overdueRows + 1 {
		w.rows = append(w.rows, overdue{"acme", fmt.Sprintf("%04d", i), order.StepCapture, noon})
	}
	j := w.judge(time.Second)
	expire := j.expire
	j.expire = func(ctx context.Context, o overdue, read time.Time) error {
		if o.ID < fmt.Sprintf("%04d", 2*overdueRows) {
			return errKo
		}
		return expire(ctx, o, read)
	}
	var err error
	for second := range 3 {
		err = errors.Join(err, w.look(t, j, second))
	}
	if !errors.Is(err, errKo) || !slices.Equal(w.judged, []string{fmt.Sprintf("%04d", 2*overdueRows)}) {
		t.Errorf("judged %v", w.judged)
	}
}
