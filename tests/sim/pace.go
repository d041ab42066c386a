package sim

import (
	"math/rand/v2"
	"time"
)

// spans are how long something may take, from at once to long after everything else has ended.
var spans = [...]struct{ from, to time.Duration }{
	{5 * time.Millisecond, 5 * time.Millisecond},
	{10 * time.Millisecond, 500 * time.Millisecond},
	{time.Second, 30 * time.Second},
	{time.Minute, 30 * time.Minute},
	{time.Hour, 12 * time.Hour},
	{24 * time.Hour, 12 * 24 * time.Hour},
}

// paces are how likely each span is: calm, rough, wild, brisk, slow.
func paces() []odds {
	return []odds{{95, 4, 1, 0, 0, 0}, {60, 25, 10, 3, 1, 1}, {20, 30, 20, 12, 10, 8}, {10, 60, 30, 0, 0, 0}, {5, 10, 30, 40, 10, 5}}
}

// delay chooses how long something takes.
func (w *world) delay(pace odds) time.Duration {
	span := spans[w.tape.pick(pace)]
	if span.from == span.to {
		return span.from
	}
	return span.from + (span.to-span.from)*time.Duration(w.tape.number(100))/100
}

// climate is how likely faults are in a run. It weighs the choices of a new tape and makes none itself, so that some
// runs are full of one sort of fault and free of another (swarm testing: Groce et al., ISSTA 2012).
type climate struct {
	relay, hear, work, answer, carrier, people odds
	delivery, relayed, asking, telling         odds
	charging, carrying, mailing                odds
	customers, operators, shelves              odds
}

func (s *Simulation) climate(r *rand.Rand) climate {
	pace := func() odds { return s.paces[r.IntN(len(s.paces))] }
	// rare weighs the benign choice by chance, and leaves some of the others out.
	rare := func(n int, harmless ...int) odds {
		o := make(odds, n)
		o[0] = 1 + harmless[r.IntN(len(harmless))]*n
		for i := 1; i < n; i++ {
			o[i] = []int{0, 1, 3, 10}[r.IntN(4)]
		}
		return o
	}
	return climate{
		relay: pace(), hear: pace(), work: pace(), answer: s.paces[[]int{1, 2, 4}[r.IntN(3)]], carrier: pace(), people: s.paces[1+r.IntN(2)],
		delivery: rare(deliveries, 10, 40, 200, 800), relayed: rare(2, 10, 40, 400),
		asking: rare(askings, 1, 4, 20, 200), telling: rare(tellings, 1, 4, 20),
		charging: rare(chargings, 1, 2, 10, 100), carrying: rare(carryings, 1, 2, 10, 100), mailing: rare(mailings, 4, 40),
		customers: []odds{{10, 0, 0}, {6, 3, 1}, {1, 3, 2}}[r.IntN(3)],
		operators: rare(operations, 0, 1, 4), shelves: []odds{{9, 1, 0}, {2, 4, 4}, {1, 1, 8}}[r.IntN(3)],
	}
}
