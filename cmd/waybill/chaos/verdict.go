package chaos

import (
	"fmt"
	"slices"

	"waybill.dev/cmd/waybill/verify"
)

// against is what does not agree with the books, as an audit found them when all was said to be at rest. A run that
// carried nothing, or broke nothing, has shown nothing.
func (r Report) against(books verify.Report) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for _, f := range books.Findings {
		add("statement %d: %s %s: %s", f.Statement, f.Tenant, f.Subject, f.Evidence)
	}
	for _, n := range books.Flights {
		add("in flight: %s %s: %s", n.Tenant, n.Order, n.Why)
	}
	for _, n := range books.Unproven { // Kafka keeps all that was said in a run
		add("not provable: %s %s: %s", n.Tenant, n.Order, n.Why)
	}
	for _, n := range books.Attended { // no order is placed that would need a person
		add("with attention: %s %s: %s", n.Tenant, n.Order, n.Why)
	}
	for _, p := range slices.Concat(books.ParkedList, books.DiscardedList) { // nobody gives anything up
		add("parked: %s at %s: %s", p.EventType, p.Service, p.Error)
	}
	for _, id := range r.Astray {
		add("cancelled, and was to be completed: %s", id)
	}
	if !books.Clean && len(wrong) == 0 {
		add("verify does not find the books clean")
	}
	if int64(r.Accepted) != books.Orders {
		add("%d orders were accepted, and the books have %d", r.Accepted, books.Orders)
	}
	if r.Accepted == 0 {
		add("no order was accepted")
	}
	if r.Struck() == 0 {
		add("no fault struck")
	}
	return wrong
}
