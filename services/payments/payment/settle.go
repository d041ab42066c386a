package payment

import (
	"time"

	"waybill.dev/platform/es"
)

// Outcome is the provider's definite answer to an operation.
type Outcome struct {
	Operation Operation
	// Key is the key under which it was asked.
	Key string
	// Code is the reason of a refusal; empty where it was done.
	Code string
	// Reference is the provider's own name of what it did: after Authorize, of the payment.
	Reference string
	// ExpiresAt is when the hold ends by itself; after Authorize only.
	ExpiresAt time.Time
}

// HoldExpired is the provider's code where a hold has ended by itself. A void refused with it is as good as done.
const HoldExpired = "authorization_expired"

// Settle notes what came of the pending attempt. An outcome that was noted before, or that is not the pending
// attempt's, changes nothing.
func Settle(id es.StreamID, outcome Outcome, at time.Time) es.Command {
	return es.On(Category, id, func(p Payment) ([]Fact, []es.Job, error) {
		a, ok := p.Pending()
		if !ok || a.Key != outcome.Key || a.Operation != outcome.Operation {
			return nil, nil, nil
		}
		return follow(id, p, at, p.settled(outcome))
	})
}

// settled is the fact that an outcome makes.
func (p Payment) settled(o Outcome) Fact {
	if o.Code != "" && (o.Operation != Void || o.Code != HoldExpired) {
		return Refused{Operation: o.Operation, Code: o.Code, Attention: p.concernsPerson(o.Operation)}
	}
	switch o.Operation {
	case Authorize:
		return Authorized{Amount: p.Amount, Payment: o.Reference, ExpiresAt: o.ExpiresAt, AtOnce: p.CaptureAtOnce}
	case Capture:
		return Captured{
			Amount: p.Amount, Payment: p.Provider, Reference: o.Reference,
			AtOnce: p.CaptureAtOnce, ExpiresAt: p.ExpiresAt,
		}
	case Refund:
		return Refunded{Amount: p.Amount, Payment: p.Provider, Reference: o.Reference}
	default:
		v := Voided{Reference: o.Reference, Code: o.Code}
		if !p.TurnedBack() {
			v.FailedWith = p.captureRefusal()
		}
		return v
	}
}

// concernsPerson says whether a person must look when the operation is refused. A refused authorization ends the
// payment, and a capture at once that is refused is voided: nobody has relied on it yet. Once the order was
// settled by hand, a person has looked.
func (p Payment) concernsPerson(op Operation) bool {
	return op != Authorize && (op != Capture || !p.CaptureAtOnce) && !p.Resolved
}
