package payment

import (
	"fmt"
	"time"

	"waybill.dev/platform/es"
)

// Ask is the job that asks the provider for an operation. It holds nothing secret: whoever does it loads the
// payment's state for the rest.
type Ask struct {
	Order     string    `json:"order"`
	Operation Operation `json:"operation"`
	Number    int       `json:"number"`
	Key       string    `json:"key"`
}

func (Ask) Kind() string { return "payments.ask-provider" }

// follow is what the new facts come to: themselves, and what is to be done next.
func follow(id es.StreamID, p Payment, at time.Time, facts ...Fact) ([]Fact, []es.Job, error) {
	more, jobs := next(id, Category.Fold(p, facts...), at)
	return append(facts, more...), jobs, nil
}

// next says what is to be done after a new fact.
func next(id es.StreamID, p Payment, at time.Time) ([]Fact, []es.Job) {
	op := p.due()
	if op == "" {
		return nil, nil
	}
	if p.needsNobody(op) {
		done := p.settled(Outcome{Operation: op})
		facts, jobs := next(id, evolve(p, done), at)
		return append([]Fact{done}, facts...), jobs
	}
	n := p.attempts(op)
	key := fmt.Sprintf("%s/%s/%s/%d", id.Tenant, id.ID, op, n)
	return []Fact{Attempted{Operation: op, Number: n, Key: key, At: at}},
		[]es.Job{Ask{Order: id.ID, Operation: op, Number: n, Key: key}}
}

// due is the operation that comes next, and empty where nothing is to be done now.
func (p Payment) due() Operation {
	switch {
	case p.pending() >= 0:
		return "" // one at a time: an unknown outcome is waited for
	case p.Resolved, p.Over():
		return ""
	case p.refused(Void), p.refused(Refund):
		return "" // a person must look
	case !p.Authorized && p.TurnedBack():
		return Void // of what never will be
	case !p.Authorized && p.Placed:
		return Authorize
	case !p.Authorized:
		return ""
	case p.Captured && p.TurnedBack():
		return Refund
	case p.Captured:
		return ""
	case p.TurnedBack(), p.CaptureAtOnce && p.refused(Capture):
		return Void
	case (p.Shipped || p.CaptureAtOnce) && !p.refused(Capture):
		return Capture
	default:
		return ""
	}
}

// needsNobody says whether the operation succeeds without the provider: there is no hold that it could void, or
// the order costs nothing, and a provider takes no payment of nothing.
func (p Payment) needsNobody(op Operation) bool {
	return op == Void && !p.Authorized || p.Amount.Amount == 0
}
