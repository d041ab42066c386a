package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill.dev/cmd/waybill/audit"
)

// Result is what became of a run.
type Result struct {
	Findings []audit.Finding
	Orders   int
	Steps    int
	// Lasted is how much simulated time has passed.
	Lasted  time.Duration
	Faults  Faults
	choices choices
}

// Run makes the run of a seed, and counts in seen what its policies met.
func (s *Simulation) Run(seed uint64, seen *Coverage) Result { return s.run(newTape(seed), seen, nil) }

func (s *Simulation) run(t *tape, seen *Coverage, happened *history) (r Result) {
	w := newWorld(s, t, seen)
	w.history = happened
	w.play()
	if len(w.findings) == 0 {
		w.judge()
	}
	return Result{
		Findings: w.findings, Orders: len(w.purchases), Steps: w.steps, Lasted: w.now, Faults: w.faults, choices: t.made(),
	}
}

// History is the run of a seed for people: what happened, in order, and what was found. Where something was found, it
// is the simplest run that was found to come to the same.
func (s *Simulation) History(seed uint64) string {
	seen := Coverage{}
	r := s.Run(seed, &seen)
	var text strings.Builder
	made := r.choices
	if len(r.Findings) > 0 {
		simple, tries := s.shrink(r)
		fmt.Fprintf(&text, "seed %d fails; the simplest run like it, of %d that were tried:\n", seed, tries)
		made = simple
	} else {
		fmt.Fprintf(&text, "seed %d:\n", seed)
	}
	var happened history
	r = s.run(replay(made), &seen, &happened)
	lines := happened.lines()
	if len(r.Findings) > 0 {
		lines = shortened(lines)
	}
	for _, line := range lines {
		text.WriteString(line + "\n")
	}
	fmt.Fprintf(&text, "faults: %s\n", r.Faults)
	if len(r.Findings) == 0 {
		fmt.Fprintf(&text, "all holds: %d orders, %d steps, %s\n", r.Orders, r.Steps, r.Lasted.Round(time.Second))
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&text, "found: %s\n", f)
	}
	for _, statement := range audit.Statements() {
		if slices.ContainsFunc(r.Findings, func(f audit.Finding) bool { return f.Statement == statement }) {
			fmt.Fprintf(&text, "statement %d: %s\n", statement, statement)
		}
	}
	return text.String()
}

// unweighted is the climate of a replayed tape, whose choices need no weights.
func (s *Simulation) unweighted() climate {
	pace := s.paces[0]
	return climate{
		relay: pace, hear: pace, work: pace, answer: pace, carrier: pace, people: pace,
		delivery: make(odds, deliveries), relayed: make(odds, 2), asking: make(odds, askings), telling: make(odds, tellings),
		charging: make(odds, chargings), carrying: make(odds, carryings), mailing: make(odds, mailings),
		customers: make(odds, 3), operators: make(odds, operations), shelves: make(odds, 3),
	}
}
