package provider

import (
	"time"
)

// status returns what the books say of a payment at a time.
func (p *payment) status(now time.Time) string {
	switch {
	case !p.authorized:
		return "declined"
	case p.refunded > 0 && p.refunded == p.captured:
		return "refunded"
	case p.refunded > 0:
		return "partially_refunded"
	case p.captured > 0:
		return "captured"
	case p.voided:
		return "voided"
	case p.expired(now):
		return "expired"
	default:
		return "authorized"
	}
}

func (p *payment) view(now time.Time) Payment {
	status := p.status(now)
	view := Payment{
		ID: p.id, Reference: p.reference, Amount: p.amount, Status: status,
		Captured: p.captured, Refunded: p.refunded, Held: status == "authorized",
		Operations: make([]OperationRecord, len(p.operations)),
	}
	if p.authorized {
		view.Authorized = p.amount.Amount
		view.ExpiresAt = &p.expiresAt
	}
	for i, done := range p.operations {
		view.Operations[i] = done.view()
	}
	return view
}

func (o *operation) view() OperationRecord {
	status := "succeeded"
	if o.code != "" {
		status = "refused"
	}
	return OperationRecord{Key: o.key, Operation: o.kind, Status: status, Code: o.code, At: o.at}
}

// result returns the answer to an operation that succeeded. It is made of nothing that changes, so that it
// is the same at any time.
func (o *operation) result() Result {
	switch o.kind {
	case Authorize:
		return Result{
			ID: o.id, Status: "authorized", Reference: o.payment.reference,
			Amount: &o.payment.amount, ExpiresAt: &o.payment.expiresAt,
		}
	case Capture:
		return Result{ID: o.id, Payment: o.payment.id, Status: "captured"}
	case Void:
		return Result{ID: o.id, Payment: o.payment.id, Status: "voided"}
	default:
		return Result{ID: o.id, Payment: o.payment.id, Status: "refunded"}
	}
}
