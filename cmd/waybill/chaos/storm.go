package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"
)

// between is how far apart faults begin. Many last longer, so that several are there at once.
const between = 3 * time.Second

// fault is one of a kind, at its time.
type fault struct {
	kind   kind
	target string
	at     time.Duration
	length time.Duration
}

func (f fault) String() string {
	if f.length == 0 {
		return fmt.Sprintf("%s: %s", f.kind.name, f.target)
	}
	return fmt.Sprintf("%s: %s, for %s", f.kind.name, f.target, f.length.Round(100*time.Millisecond))
}

// schedule is what a seed stands for. Kinds are dealt like cards: each comes once before any comes twice.
func schedule(seed uint64, duration time.Duration, kinds []kind) []fault {
	random := rand.New(rand.NewPCG(seed, 0))
	var faults []fault
	var deck []int
	for at := between / 2; at < duration; at += between {
		if len(deck) == 0 {
			deck = random.Perm(len(kinds))
		}
		k := kinds[deck[0]]
		deck = deck[1:]
		f := fault{
			kind: k, target: k.targets[random.IntN(len(k.targets))], at: at,
			length: k.shortest + time.Duration(random.Int64N(int64(k.longest-k.shortest)+1)),
		}
		if f.at+f.length <= duration { // cut short it would be a lesser fault than it is counted as
			faults = append(faults, f)
		}
	}
	return faults
}

// storm has faults come over a world.
type storm struct {
	world  *world
	faults []fault

	mu     sync.Mutex
	struck map[string]int // by the kinds' names
}

func newStorm(w *world, kinds []kind) *storm {
	s := &storm{
		world: w, faults: schedule(w.config.Seed, w.config.Duration, kinds),
		struck: map[string]int{},
	}
	for _, k := range kinds {
		s.struck[k.name] = 0
	}
	return s
}

// run has each fault come in its time, and returns when all is mended that was broken. An error says that something
// could not be mended.
func (s *storm) run(outer context.Context) error {
	ctx, cancel := context.WithTimeout(outer, s.world.config.Duration)
	defer cancel()
	began := time.Now()
	errs := make([]error, len(s.faults))
	var under sync.WaitGroup
	for i, f := range s.faults {
		select {
		case <-time.After(time.Until(began.Add(f.at))):
			under.Go(func() { errs[i] = s.strike(ctx, f) })
		case <-ctx.Done():
		}
	}
	<-ctx.Done()
	under.Wait()
	if err := outer.Err(); err != nil {
		return context.Cause(outer)
	}
	return errors.Join(errs...)
}

func (s *storm) strike(ctx context.Context, f fault) error {
	struck := func() {
		s.world.say("%s", f)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.struck[f.kind.name]++
	}
	for {
		err := f.kind.strike(ctx, f.target, f.length, struck)
		if err != nil && !errors.Is(err, errNothing) {
			return fmt.Errorf("%s: %w", f, err)
		}
		if err == nil {
			return nil
		}
		// Another fault has been there: it is mended in a moment.
		if end, _ := ctx.Deadline(); time.Until(end) < time.Second+f.length {
			return nil // cut short it would be a lesser fault than it is counted as
		}
		hold(ctx, time.Second)
	}
}

func (s *storm) counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.struck)
}
