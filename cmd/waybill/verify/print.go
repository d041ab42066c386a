package verify

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/cmd/waybill/plain"
)

// printed is how many lines of each list a person is shown. JSON has more.
const printed = 50

// Print writes the report for people.
func (r Report) Print(out io.Writer, atRest bool) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(r.Findings) > 0 {
		fmt.Fprintln(table, "STATEMENT\tTENANT\tSUBJECT\tEVIDENCE")
		for _, f := range first(r.Findings) {
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", f.Statement, plain.Line(f.Tenant), plain.Line(f.Subject), plain.Line(f.Evidence))
		}
		more(table, r.Violations)
		fmt.Fprintln(table)
	}
	printParked(table, "PARKED BY", r.ParkedList, r.ParkedAll)
	printParked(table, "DISCARDED, PARKED BY", r.DiscardedList, r.DiscardedAll)
	printNotes(table, "IN FLIGHT", r.Flights, r.InFlight)
	printNotes(table, "NOT PROVABLE", r.Unproven, r.NotProvable)
	printNotes(table, "ATTENTION", r.Attended, r.Attention)
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d orders: %d ok, %d with attention, %d in flight, %d parked, %d not provable, %d wrong; %d shelves; %d messages parked, %d discarded.\n",
		r.Orders, r.OK, r.Attention, r.InFlight, r.ParkedOrders, r.NotProvable, r.Violated, r.Shelves, r.ParkedAll, r.DiscardedAll)
	fmt.Fprintf(out, "%d facts, %d messages, %d payments and %d parcels read in %s: %.0f orders a second.\n",
		r.Facts, r.Messages, r.Charges, r.Parcels, r.Took.Round(time.Millisecond), float64(r.Orders)/r.Took.Seconds())
	_, err := fmt.Fprintln(out, r.verdict(atRest))
	return err
}

func (r Report) verdict(atRest bool) string {
	switch {
	case r.Violations > 0:
		broken := map[int]bool{}
		text := ""
		for _, f := range r.Findings {
			if !broken[f.Statement] {
				broken[f.Statement] = true
				text += fmt.Sprintf("\n  %d: %s", f.Statement, audit.Statement(f.Statement))
			}
		}
		return fmt.Sprintf("%d violations. These do not hold everywhere:%s", r.Violations, text)
	case atRest && r.InFlight+r.Waiting > 0:
		return "The suite is not at rest."
	}
	if r.Orders+r.Shelves == 0 {
		return "There is nothing to audit."
	}
	var unproven []string
	for _, n := range []struct {
		count int64
		what  string
	}{{r.InFlight, "in flight"}, {r.ParkedOrders, "parked"}, {r.NotProvable, "not provable"}} {
		if n.count > 0 {
			unproven = append(unproven, fmt.Sprintf("%d %s", n.count, n.what))
		}
	}
	if len(unproven) > 0 {
		return fmt.Sprintf("All eight statements hold as far as can be proven: %s.", strings.Join(unproven, ", "))
	}
	return "All eight statements hold."
}

func printParked(table io.Writer, title string, messages []Parked, all int64) {
	if len(messages) == 0 {
		return
	}
	fmt.Fprintf(table, "%s\tTENANT\tORDER\tTOPIC\tERROR\n", title)
	for _, p := range first(messages) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", p.Service, plain.Line(p.Tenant), plain.Line(p.Order), plain.Line(p.Topic), plain.Line(p.Error))
	}
	more(table, all)
	fmt.Fprintln(table)
}

func printNotes(table io.Writer, title string, notes []Note, all int64) {
	if len(notes) == 0 {
		return
	}
	fmt.Fprintf(table, "%s\tTENANT\tORDER\tWHY\n", title)
	for _, n := range first(notes) {
		fmt.Fprintf(table, "\t%s\t%s\t%s\n", plain.Line(n.Tenant), plain.Line(n.Order), plain.Line(n.Why))
	}
	more(table, all)
	fmt.Fprintln(table)
}

func first[T any](list []T) []T { return list[:min(len(list), printed)] }

func more(table io.Writer, all int64) {
	if all > printed {
		fmt.Fprintf(table, "… and %d more\n", all-printed)
	}
}
