package chaos

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// Report is what came of a run. Times are in seconds.
type Report struct {
	Seed    uint64  `json:"seed"`
	Seconds float64 `json:"seconds"`
	// Accepted are the orders that were accepted; the others are what became of them.
	Accepted  int `json:"accepted"`
	Completed int `json:"completed"`
	Cancelled int `json:"cancelled"`
	Attention int `json:"attention"`
	// Astray are the orders that nothing kept from their completion, and that were cancelled.
	Astray []string `json:"astray,omitempty"`
	// Faults is how often each kind of fault struck, NotRun the kinds that cannot be run here and why.
	Faults map[string]int    `json:"faults"`
	NotRun map[string]string `json:"not_run,omitempty"`
	// LongestSeconds is the longest that an order waited from its acceptance to its end.
	LongestSeconds float64 `json:"longest_seconds"`
	// RestSeconds is how long after the last process was back all was at rest.
	RestSeconds float64 `json:"rest_seconds"`
	// Clean says that the books hold; Wrong is what does not.
	Clean bool     `json:"clean"`
	Wrong []string `json:"wrong,omitempty"`
	// Folder has the logs and the data of a run that was not clean.
	Folder string `json:"folder,omitempty"`
}

// Struck is how many faults there were in all.
func (r Report) Struck() (sum int) {
	for _, n := range r.Faults {
		sum += n
	}
	return sum
}

// wrongShown is how much of what is wrong people are shown.
const wrongShown = 30

// Print tells people.
func (r Report) Print(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "seed\t%d\n", r.Seed)
	fmt.Fprintf(table, "orders carried\t%d: %d completed, %d cancelled, %d with attention\n", r.Accepted, r.Completed, r.Cancelled, r.Attention)
	fmt.Fprintf(table, "longest wait of an order\t%.1f s\n", r.LongestSeconds)
	fmt.Fprintf(table, "at rest\t%.1f s after the last process was back\n", r.RestSeconds)
	fmt.Fprintf(table, "faults\t%d\n", r.Struck())
	for _, name := range slices.Sorted(maps.Keys(r.Faults)) {
		fmt.Fprintf(table, "  %s\t%d\n", name, r.Faults[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.NotRun)) {
		fmt.Fprintf(table, "  %s\tnot run: %s\n", name, r.NotRun[name])
	}
	_ = table.Flush()
	for i, wrong := range r.Wrong {
		if i == wrongShown {
			fmt.Fprintf(out, "… and %d more\n", len(r.Wrong)-i)
			break
		}
		fmt.Fprintln(out, "WRONG:", wrong)
	}
	if r.Clean {
		fmt.Fprintln(out, "clean: all that must hold at rest holds")
	} else {
		fmt.Fprintln(out, "NOT CLEAN: logs and data are in", r.Folder)
	}
}

// JSON writes the report for programs.
func (r Report) JSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}
