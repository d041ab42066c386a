package verify

import (
	"cmp"
	"slices"
	"time"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/platform/messaging"
)

// Report is what an audit has found.
type Report struct {
	// Began is by the clock of orders' database.
	Began time.Time     `json:"began"`
	Took  time.Duration `json:"tookNanoseconds"`

	// Orders is how many there are: what the five services know, and what the outside's books name. Each is one of the
	// following: right, right with a reason for attention (or settled by hand, with something left at the outside), in flight, right as far as Kafka still tells, or wrong.
	Orders      int64 `json:"orders"`
	OK          int64 `json:"ok"`
	Attention   int64 `json:"attention"`
	InFlight    int64 `json:"inFlight"`
	NotProvable int64 `json:"notProvable"`
	Violated    int64 `json:"violated"`
	// Parked is how many of the orders that are right have a message that a service could not read or handle. They are
	// none of the above.
	ParkedOrders int64 `json:"parked"`
	// Waiting is how many of the parked orders something is under way for, be it only that message.
	Waiting int64 `json:"parkedInFlight"`

	Shelves  int64 `json:"shelves"`
	Facts    int64 `json:"facts"`
	Messages int64 `json:"messages"`
	Charges  int64 `json:"payments"`
	Parcels  int64 `json:"parcels"`

	// The lists hold the first of each; the counts are of all.
	Violations int64     `json:"violations"`
	Findings   []Finding `json:"findings"`
	Flights    []Note    `json:"ordersInFlight,omitempty"`
	Unproven   []Note    `json:"ordersNotProvable,omitempty"`
	Attended   []Note    `json:"ordersWithAttention,omitempty"`
	ParkedAll  int64     `json:"parkedMessages"`
	ParkedList []Parked  `json:"messagesParked,omitempty"`
	// What an operator has given up stays on record. It is none of what is parked.
	DiscardedAll  int64    `json:"discardedMessages"`
	DiscardedList []Parked `json:"messagesDiscarded,omitempty"`

	// Clean says that every statement holds, as far as it can be proven.
	Clean bool `json:"clean"`
}

// Finding is a statement that does not hold.
type Finding struct {
	Statement int    `json:"statement"`
	Tenant    string `json:"tenant,omitempty"`
	// Subject is the order's id, or the SKU; empty for what is about neither.
	Subject  string `json:"subject,omitempty"`
	Evidence string `json:"evidence"`
}

// Note says something of an order that is no violation.
type Note struct {
	Tenant string `json:"tenant"`
	Order  string `json:"order"`
	Why    string `json:"why"`
}

// Parked is a message that a service could not read or handle, and that is open or was discarded. Order and Tenant are
// empty where it does not tell.
type Parked struct {
	Service   string          `json:"service"`
	State     messaging.State `json:"state"`
	Tenant    string          `json:"tenant,omitempty"`
	Order     string          `json:"order,omitempty"`
	Topic     string          `json:"topic"`
	MessageID string          `json:"messageId,omitempty"`
	EventType string          `json:"eventType,omitempty"`
	Error     string          `json:"error"`
	ParkedAt  time.Time       `json:"parkedAt"`
}

// listed is how much each list of a report holds.
const listed = 1000

func (r *Report) find(f audit.Finding) {
	r.Violations++
	r.Findings = list(r.Findings, Finding{int(f.Statement), f.Tenant, f.Subject, f.Evidence})
}

func (r *Report) park(m Parked) {
	if m.State == messaging.StateDiscarded {
		r.DiscardedAll++
		r.DiscardedList = list(r.DiscardedList, m)
		return
	}
	r.ParkedAll++
	r.ParkedList = list(r.ParkedList, m)
}

// list adds to a list of the report.
func list[T any](all []T, one T) []T {
	if len(all) < listed {
		all = append(all, one)
	}
	return all
}

// finish sorts the lists and says what it all comes to.
func (r *Report) finish(atRest bool) {
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	slices.SortFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Subject, b.Subject), a.Statement-b.Statement, cmp.Compare(a.Evidence, b.Evidence))
	})
	for _, notes := range [][]Note{r.Flights, r.Unproven, r.Attended} {
		slices.SortFunc(notes, func(a, b Note) int { return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Order, b.Order)) })
	}
	r.Clean = r.Violations == 0 && (!atRest || r.InFlight+r.Waiting == 0)
}
