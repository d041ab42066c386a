package sim

import "math/rand/v2"

// tape is the sequence of choices that a run is made of. A run draws every choice from it: a new tape draws them from a
// seed and records them, a recorded one gives them again. Choice 0 is always the most harmless; behind a recorded tape's
// end all choices are 0, so that a shorter tape with lower numbers makes a simpler run.
type tape struct {
	random   *rand.Rand // nil where the choices are recorded
	recorded []uint16
	used     int
	// calm says that faults have stopped: every choice is 0, and none is recorded.
	calm bool
}

// newTape draws its choices from a seed.
func newTape(seed uint64) *tape { return &tape{random: rand.New(rand.NewPCG(seed, 0x5361_6761))} }

// replay gives recorded choices.
func replay(recorded []uint16) *tape { return &tape{recorded: recorded} }

// odds are the weights of choices.
type odds []int

// pick chooses by weight.
func (t *tape) pick(o odds) int {
	if t.calm {
		return 0
	}
	if t.random == nil {
		return t.next(len(o))
	}
	sum := 0
	for _, weight := range o {
		sum += weight
	}
	at, choice := t.random.IntN(sum), 0
	for at >= o[choice] {
		at -= o[choice]
		choice++
	}
	return t.record(choice)
}

// number chooses 0 to n-1, each as likely.
func (t *tape) number(n int) int {
	switch {
	case t.calm:
		return 0
	case t.random == nil:
		return t.next(n)
	}
	return t.record(t.random.IntN(n))
}

func (t *tape) record(choice int) int {
	t.recorded = append(t.recorded, uint16(choice))
	t.used++
	return choice
}

// next is the next recorded choice, as far as there are so many to choose from.
func (t *tape) next(n int) int {
	if t.used >= len(t.recorded) {
		t.used++
		return 0
	}
	choice := min(int(t.recorded[t.used]), n-1)
	t.used++
	return choice
}

// choices are the choices that the run has made.
func (t *tape) choices() []uint16 { return t.recorded[:min(t.used, len(t.recorded))] }
