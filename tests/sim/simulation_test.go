package sim_test

import (
	"strings"
	"testing"

	"waybill.dev/tests/sim"
)

// TestRuns: all holds in many runs. CI makes many more of them besides, without the race detector: `make sim`.
func TestRuns(t *testing.T) {
	t.Parallel()
	s := sim.New()
	report := s.Many(t.Context(), 1, 2000)
	t.Log(report)
	if report.Failed {
		t.Fatal(s.History(report.Seed))
	}
	if report.Runs != 2000 || report.Orders < report.Runs || report.Years <= 0 {
		t.Errorf("this is not what was asked for: %d runs, %d orders, %f years", report.Runs, report.Orders, report.Years)
	}
	if err := s.CheckCoverage(report.Seen, false); err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(report.String()) {
		if strings.HasPrefix(strings.TrimSpace(line), "0 ×") {
			t.Errorf("a fault that never happens proves nothing: %s", line)
		}
	}
}

// TestTheSameSeed: what a seed comes to is the same every time, byte for byte.
func TestTheSameSeed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		first, again := sim.New().History(seed), sim.New().History(seed)
		if first != again {
			t.Fatalf("seed %d comes to\n%s\nand then to\n%s", seed, first, again)
		}
		if !strings.Contains(first, "orders: \"place\"") || !strings.Contains(first, "all holds") {
			t.Errorf("seed %d: a history that tells little:\n%s", seed, first)
		}
	}
}
