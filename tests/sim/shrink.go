package sim

import (
	"cmp"
	"slices"
)

// maxTries bounds the search for a simpler run, in runs and not in time, so that it comes to the same everywhere.
const maxTries = 5000

// shrinking is the search for the simplest run in which the same statement does not hold. It works on the choices and not
// on what they made, so that whatever it tries is a run that may happen (MacIver and Donaldson, "Test-Case Reduction via
// Test-Case Generation", ECOOP 2020).
type shrinking struct {
	simulation *Simulation
	failed     Result // the original
	best       choices
	tries      int
}

// shrink looks for a simpler run that fails like this one.
func (s *Simulation) shrink(failed Result) (simplest choices, tries int) {
	h := &shrinking{simulation: s, failed: failed, best: failed.choices}
	for before := choices(nil); h.tries < maxTries && before.compare(h.best) != 0; {
		before = h.best
		h.leaveOutOrders()
		for i := range h.best {
			h.shorten(i)
			h.lower(i)
		}
	}
	return h.best, h.tries
}

func (h *shrinking) leaveOutOrders() {
	for i := len(h.best) - 1; i > 0 && len(h.best) > 2; i-- {
		h.try(slices.Delete(slices.Clone(h.best), i, i+1))
	}
}

// shorten takes pieces out of a strand, long ones first, or makes them harmless.
func (h *shrinking) shorten(i int) {
	for size := len(h.best[i]); size > 0; size /= 2 {
		for at := len(h.best[i]) - size; at >= 0; at -= size {
			if at+size > len(h.best[i]) {
				continue
			}
			strand := h.best[i]
			if h.trySwap(i, slices.Delete(slices.Clone(strand), at, at+size)) {
				continue
			}
			harmless := slices.Clone(strand)
			clear(harmless[at : at+size])
			h.trySwap(i, harmless)
		}
	}
}

// lower lowers the choices of a strand one by one.
func (h *shrinking) lower(i int) {
	for at := 0; at < len(h.best[i]); at++ {
		for _, by := range []func(uint16) uint16{
			func(uint16) uint16 { return 0 }, func(c uint16) uint16 { return c / 2 }, func(c uint16) uint16 { return c - 1 },
		} {
			if at >= len(h.best[i]) || h.best[i][at] == 0 {
				break
			}
			lowered := slices.Clone(h.best[i])
			lowered[at] = by(lowered[at])
			h.trySwap(i, lowered)
		}
	}
}

func (h *shrinking) trySwap(i int, strand []uint16) bool {
	swapped := slices.Clone(h.best)
	swapped[i] = strand
	return h.try(swapped)
}

// try takes the choices where they are simpler, and fail like the original.
func (h *shrinking) try(c choices) bool {
	if h.tries >= maxTries || c.compare(h.best) >= 0 {
		return false
	}
	h.tries++
	r := h.simulation.run(replay(c), &Coverage{}, nil)
	if len(r.Findings) == 0 || r.Findings[0].Statement != h.failed.Findings[0].Statement || r.choices.compare(h.best) >= 0 {
		return false
	}
	h.best = r.choices
	return true
}

// compare says which choices are simpler: of fewer orders, then shorter, then lower.
func (c choices) compare(d choices) int {
	length := func(c choices) (sum int) {
		for _, strand := range c {
			sum += len(trimmed(strand))
		}
		return sum
	}
	return cmp.Or(cmp.Compare(len(c), len(d)), cmp.Compare(length(c), length(d)), slices.CompareFunc(c, d, slices.Compare[[]uint16]))
}
