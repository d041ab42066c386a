package server

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"waybill.dev/platform/outside"
)

// placeWait is how long a row waits for a place at its partner: where it is quick, one is free by then.
const placeWait = 250 * time.Millisecond

// partner is a system outside, and the places for those who ask it at a time: a bulkhead, behind which a slow system
// holds up nobody else.
type partner struct {
	*outside.System
	places chan struct{}
}

// enter takes a place. Without one the row is put off.
func (p *partner) enter(ctx context.Context) error {
	select {
	case p.places <- struct{}{}:
		return nil
	default:
	}
	wait := time.NewTimer(placeWait)
	defer wait.Stop()
	select {
	case p.places <- struct{}{}:
		return nil
	case <-wait.C:
		return errNoPlace
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *partner) leave() { <-p.places }

var errNoPlace = errors.New("as many workers ask there as may")

// isPutOff says whether nothing was attempted.
func isPutOff(err error) bool {
	_, ok := putOff(err)
	return ok
}

// putOff says whether nothing was attempted, and for how long that makes sense. Of several errors, all of which say so,
// it is one's.
func putOff(err error) (after time.Duration, ok bool) {
	var notAsked *outside.NotAskedError
	switch {
	case errors.Is(err, errTold):
		return 0, false // one of the row's jobs has failed
	case errors.As(err, &notAsked):
		return notAsked.After, true
	}
	return 0, errors.Is(err, errNoPlace)
}

// partners are the systems outside that a service's jobs ask.
type partners struct {
	// places are how many rows of jobs ask one of them at a time: three quarters of the workers, and one at least.
	places int
	all    []*partner
	// asked are the kinds of jobs that ask one of them.
	asked map[string]bool

	state, workers *prometheus.Desc
}

func newPartners(workers int) *partners {
	return &partners{
		places: max(1, workers*3/4), asked: map[string]bool{},
		state: prometheus.NewDesc("outside_breaker_state",
			"1 for the state that the breaker towards a system outside is in.", []string{"system", "state"}, nil),
		workers: prometheus.NewDesc("outside_workers",
			"Job workers that ask a system outside now; three quarters of JOB_WORKERS at most.", []string{"system"}, nil),
	}
}

// add is the system as a partner of the jobs of a kind.
func (p *partners) add(s *outside.System, kind string) *partner {
	p.asked[kind] = true
	for _, known := range p.all {
		if known.System == s {
			return known
		}
	}
	added := &partner{System: s, places: make(chan struct{}, p.places)}
	p.all = append(p.all, added)
	return added
}

// degraded names the breakers that are not closed.
func (p *partners) degraded() (names []string) {
	for _, known := range p.all {
		if known.State() != outside.Closed {
			names = append(names, "breaker:"+known.Name())
		}
	}
	return names
}

// Describe is for Prometheus.
func (p *partners) Describe(ch chan<- *prometheus.Desc) {
	ch <- p.state
	ch <- p.workers
}

// Collect is for Prometheus.
func (p *partners) Collect(ch chan<- prometheus.Metric) {
	for _, known := range p.all {
		now := known.State()
		for _, state := range outside.States() {
			is := 0.0
			if state == now {
				is = 1
			}
			ch <- prometheus.MustNewConstMetric(p.state, prometheus.GaugeValue, is, known.Name(), string(state))
		}
		ch <- prometheus.MustNewConstMetric(p.workers, prometheus.GaugeValue, float64(len(known.places)), known.Name())
	}
}
