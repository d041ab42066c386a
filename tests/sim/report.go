package sim

import (
	"fmt"
	"strings"
)

// String is the report for people. Of runs that came to one that fails nobody asks what else they met.
func (r Report) String() string {
	var text strings.Builder
	seconds := r.Took.Seconds()
	fmt.Fprintf(&text, "%d runs, %d orders, %d steps, %.0f simulated years in %.1fs: %.0f runs/s\n",
		r.Runs, r.Orders, r.Steps, r.Years, seconds, float64(r.Runs)/seconds)
	if r.Failed {
		return text.String()
	}
	for f, n := range r.Faults {
		fmt.Fprintf(&text, "  %9d × %s\n", n, fault(f))
	}
	return text.String()
}
