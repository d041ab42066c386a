package sim

import "slices"

// maxTries bounds the search for a simpler run, in runs and not in time, so that it comes to the same everywhere.
const maxTries = 3000

// shrink looks for a simpler tape on which the same statement does not hold: a shorter one, or one of lower choices. It
// works on the choices and not on what they made, so that every tape that it tries is a run that may happen (MacIver and
// Donaldson, "Test-Case Reduction via Test-Case Generation", ECOOP 2020).
func (s *Simulation) shrink(r Result) (simplest []uint16, tries int) {
	best, statement := trimmed(r.choices), r.Findings[0].Statement
	fails := func(choices []uint16) bool {
		if tries >= maxTries || !simpler(choices, best) {
			return false
		}
		tries++
		seen := Coverage{}
		tried := s.run(replay(choices), &seen, nil)
		if len(tried.Findings) == 0 || tried.Findings[0].Statement != statement {
			return false
		}
		best = trimmed(tried.choices)
		return true
	}
	for tries < maxTries {
		before := best
		for size := len(best) / 2; size > 0; size /= 2 {
			for at := len(best) - size; at >= 0; at -= size {
				if at+size > len(best) {
					continue
				}
				if !fails(slices.Delete(slices.Clone(best), at, at+size)) && size > 1 {
					zeroed := slices.Clone(best)
					clear(zeroed[at : at+size])
					fails(zeroed)
				}
			}
		}
		for at := 0; at < len(best); at++ {
			for _, lower := range []uint16{0, best[at] / 2, best[at] - min(best[at], 1)} {
				if at < len(best) && lower < best[at] {
					lowered := slices.Clone(best)
					lowered[at] = lower
					fails(lowered)
				}
			}
		}
		if slices.Equal(before, best) {
			break
		}
	}
	return best, tries
}

// trimmed is the tape without the zeros at its end, which are there anyway.
func trimmed(choices []uint16) []uint16 {
	for len(choices) > 0 && choices[len(choices)-1] == 0 {
		choices = choices[:len(choices)-1]
	}
	return slices.Clone(choices)
}

// simpler compares by length, and then choice by choice.
func simpler(a, b []uint16) bool {
	a = trimmed(a)
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return slices.Compare(a, b) < 0
}
