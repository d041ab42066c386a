package chaos

import (
	"strings"
	"testing"

	"waybill.dev/cmd/waybill/verify"
)

// A run is clean where something was carried and broken, and the books say so of every order.
func TestNothingButCleanBooksOfEveryOrderIsClean(t *testing.T) {
	t.Parallel()
	report := Report{Accepted: 2, Faults: map[string]int{"kill service": 1}}
	books := verify.Report{Orders: 2, OK: 2, Clean: true}
	if wrong := report.against(books); len(wrong) != 0 {
		t.Errorf("clean books are wrong: %q", wrong)
	}
	note := []verify.Note{{Tenant: "default", Order: "o-1", Why: "why"}}
	for want, spoil := range map[string]func(*Report, *verify.Report){
		"statement 2":          func(_ *Report, b *verify.Report) { b.Findings = []verify.Finding{{Statement: 2}} },
		"in flight":            func(_ *Report, b *verify.Report) { b.Flights = note },
		"not provable":         func(_ *Report, b *verify.Report) { b.Unproven = note },
		"with attention":       func(_ *Report, b *verify.Report) { b.Attended = note },
		"parked":               func(_ *Report, b *verify.Report) { b.ParkedList = []verify.Parked{{Service: "orders"}} },
		"parked:  at payments": func(_ *Report, b *verify.Report) { b.DiscardedList = []verify.Parked{{Service: "payments"}} },
		"not find the books":   func(_ *Report, b *verify.Report) { b.Clean = false },
		"the books have 1":     func(_ *Report, b *verify.Report) { b.Orders = 1 },
		"was to be completed":  func(r *Report, _ *verify.Report) { r.Astray = []string{"o-1"} },
		"no order was":         func(r *Report, b *verify.Report) { r.Accepted, b.Orders = 0, 0 },
		"no fault struck":      func(r *Report, _ *verify.Report) { r.Faults = map[string]int{"kill service": 0} },
		"3 orders were accept": func(r *Report, _ *verify.Report) { r.Accepted = 3 },
	} {
		r, b := report, books
		spoil(&r, &b)
		if wrong := r.against(b); !strings.Contains(strings.Join(wrong, "\n"), want) {
			t.Errorf("want %q, got %q", want, wrong)
		}
	}
}
