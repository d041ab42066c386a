package sim

import (
	"fmt"
	"slices"
	"time"
)

// history is what happened in a run, in order.
type history []happening

type happening struct {
	at   time.Duration
	what string
}

func (h happening) String() string { return stamp(h.at) + " " + h.what }

// stamp is a time since the beginning, as it stands before what happened.
func stamp(at time.Duration) string {
	const day = 24 * time.Hour
	return fmt.Sprintf("  %3dd %-13s", int(at/day), (at % day).Round(time.Millisecond))
}

// lines tells the history. What happens again and again is told once, and how often it was repeated.
func (h history) lines() (told []string) {
	for len(h) > 0 {
		period, times := h.cycle()
		for _, one := range h[:period] {
			told = append(told, one.String())
		}
		if times > 1 {
			last := h[period*times-1]
			told = append(told, fmt.Sprintf("%s … and so on: the last %d lines %d times more", stamp(last.at), period, times-1))
		}
		h = h[period*times:]
	}
	return told
}

// maxPeriod bounds how many lines a cycle is looked for in.
const maxPeriod = 50

// cycle is how many lines from the first on are repeated at once, and how often they stand there; 1, 1 for a line alone.
// Of several cycles it is the one that reaches furthest, and of these the shortest. What only stands there twice is none.
func (h history) cycle() (period, times int) {
	period, times = 1, 1
	for p := 1; p <= min(maxPeriod, len(h)/3); p++ {
		n := p
		for n < len(h) && h[n].what == h[n-p].what {
			n++
		}
		if n/p >= 3 && n/p*p > period*times {
			period, times = p, n/p
		}
	}
	return period, times
}

// What is shown of a history that is too long even so.
const (
	mostFirst = 50
	mostLast  = 30
)

// shortened leaves out the middle of what is too long to be read.
func shortened(lines []string) []string {
	out := len(lines) - mostFirst - mostLast
	if out <= 1 {
		return lines
	}
	return slices.Concat(lines[:mostFirst], []string{fmt.Sprintf("  … %d lines left out …", out)}, lines[mostFirst+out:])
}
