package sim

import "math/rand/v2"

// tape is the sequence of choices that a run is made of. A run draws every choice from it: a new tape draws them from a
// seed and records them, a recorded one gives them again. Choice 0 is always the most harmless; behind a recorded
// strand's end all choices are 0, so that a shorter tape with lower numbers makes a simpler run.
//
// It has a strand for each order, and the first for what belongs to none, so that an order can be left out of a run
// while the others go on as they went.
type tape struct {
	random  *rand.Rand // nil where the choices are recorded
	strands []strand
	current int
	// calm says that faults have stopped: every choice is 0, and none is recorded.
	calm bool
}

// strand is the choices made for one order, and how many of them have been used.
type strand struct {
	choices []uint16
	used    int
}

// choices are those of all strands.
type choices [][]uint16

// newTape draws its choices from a seed.
func newTape(seed uint64) *tape {
	return &tape{random: rand.New(rand.NewPCG(seed, 0x5361_6761)), strands: make([]strand, 1)}
}

// replay gives recorded choices.
func replay(recorded choices) *tape {
	t := &tape{strands: make([]strand, max(2, len(recorded)))}
	for i, c := range recorded {
		t.strands[i].choices = c
	}
	return t
}

// orders is how many orders the run has: as many as were recorded, or a number that is chosen once.
func (t *tape) orders(choose func() int) int {
	if t.random != nil {
		t.strands = make([]strand, 1+choose())
	}
	return len(t.strands) - 1
}

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
	return t.record(o.draw(t.random))
}

// draw chooses by weight.
func (o odds) draw(random *rand.Rand) (choice int) {
	sum := 0
	for _, weight := range o {
		sum += weight
	}
	for at := random.IntN(sum); at >= o[choice]; choice++ {
		at -= o[choice]
	}
	return choice
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
	s := &t.strands[t.current]
	s.choices = append(s.choices, uint16(choice))
	s.used++
	return choice
}

// next is the next recorded choice, as far as there are so many to choose from.
func (t *tape) next(n int) int {
	s := &t.strands[t.current]
	s.used++
	if s.used > len(s.choices) {
		return 0
	}
	return min(int(s.choices[s.used-1]), n-1)
}

// made are the choices that the run has made, without the zeros at the ends of the strands.
func (t *tape) made() choices {
	made := make(choices, len(t.strands))
	for i, s := range t.strands {
		made[i] = trimmed(s.choices[:min(s.used, len(s.choices))])
	}
	return made
}

func trimmed(strand []uint16) []uint16 {
	for len(strand) > 0 && strand[len(strand)-1] == 0 {
		strand = strand[:len(strand)-1]
	}
	return strand
}
