package audit

import "fmt"

// Statement is one of the eight things that must be true at rest.
type Statement int

// The statements, by their numbers.
const (
	// OneEnd: an order is in exactly one terminal state (completed, cancelled, resolved), or shows attention.
	OneEnd Statement = 1 + iota
	// MoneyOwed: captured less refunded is what is owed, and no hold is left behind.
	MoneyOwed
	// PaidIfShipped: nothing is shipped unpaid, nor refunded or voided and shipped.
	PaidIfShipped
	// StockEnds: 0 ≤ reserved ≤ on hand at every version, and a reservation ends shipped or released, once.
	StockEnds
	// BooksAgree: the provider and the carrier know of what we know of, and of nothing else, once.
	BooksAgree
	// AllSaid: what was due is on Kafka, in order, was heard, and had its effect once.
	AllSaid
	// RowsAgree: every read model says what the facts say.
	RowsAgree
	// CancellationAnswered: a request for cancellation ended in the order's cancellation, or was refused.
	CancellationAnswered
)

// Statements lists all of them.
func Statements() []Statement {
	return []Statement{
		OneEnd, MoneyOwed, PaidIfShipped, StockEnds, BooksAgree, AllSaid, RowsAgree, CancellationAnswered,
	}
}

// String is the statement in a sentence.
func (s Statement) String() string {
	switch s {
	case OneEnd:
		return "an order has exactly one end, or shows attention with a reason"
	case MoneyOwed:
		return "captured less refunded is what is owed, and no hold is left behind"
	case PaidIfShipped:
		return "nothing is shipped unpaid, nor refunded or voided and shipped"
	case StockEnds:
		return "0 ≤ reserved ≤ on hand, and every reservation ends shipped or released, once"
	case BooksAgree:
		return "the provider's and the carrier's books agree with ours, and nothing is there twice"
	case AllSaid:
		return "every message that was due is on Kafka, in order, and had its effect once"
	case RowsAgree:
		return "every projection equals the fold of its events"
	case CancellationAnswered:
		return "every request for cancellation has been answered"
	}
	return fmt.Sprintf("statement %d", int(s))
}

// Finding is a statement that does not hold.
type Finding struct {
	Statement Statement
	Tenant    string
	// Subject is the order's id, or the SKU.
	Subject string
	// Evidence says in plain words what was found instead.
	Evidence string
}

func (f Finding) String() string {
	return fmt.Sprintf("%d %s/%s: %s", int(f.Statement), f.Tenant, f.Subject, f.Evidence)
}
