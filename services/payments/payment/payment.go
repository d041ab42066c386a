package payment

import (
	"slices"
	"time"

	"waybill.dev/contracts"
)

// Payment is the state of an order's payment.
type Payment struct {
	// What was heard.
	Placed            bool
	Shipped           bool
	StockReleased     bool
	ReservationFailed bool
	Resolved          bool

	// What order-placed brought.
	Amount        contracts.Money
	Token         Token
	CaptureAtOnce bool

	// What became of the money. FailedWith is the code with which it was refused for good.
	Authorized, Captured, Voided, Refunded bool
	FailedWith                             string

	// Provider is the provider's own name of the payment.
	Provider  string
	ExpiresAt time.Time

	// Attempts are all that was ever asked of the provider, in order.
	Attempts []Attempt
}

// Operation is what can be asked of the provider.
type Operation string

const (
	Authorize Operation = "authorize"
	Capture   Operation = "capture"
	Void      Operation = "void"
	Refund    Operation = "refund"
)

// Attempt is an operation that the provider was asked for under one key.
type Attempt struct {
	Operation Operation
	Number    int
	Key       string
	// At is when it was decided upon.
	At     time.Time
	Status AttemptStatus
	// Code is the provider's reason where it refused.
	Code string
	// Reference is the provider's own name of what it did.
	Reference string
	// Stands is set as long as the refusal stands in the way of the operation.
	Stands bool
	// Attention is set where the refusal needs a person to look.
	Attention bool
}

// AttemptStatus is what is known of an attempt.
type AttemptStatus string

const (
	// AttemptPending: no answer has been recorded. It may have been done.
	AttemptPending   AttemptStatus = "pending"
	AttemptSucceeded AttemptStatus = "succeeded"
	AttemptRefused   AttemptStatus = "refused"
)

// Status is a payment's status as it is shown.
type Status string

const (
	StatusPending    Status = "pending"
	StatusAuthorized Status = "authorized"
	StatusCaptured   Status = "captured"
	StatusVoided     Status = "voided"
	StatusRefunded   Status = "refunded"
	StatusFailed     Status = "failed"
	// StatusResolved: an operator settled the order by hand before any money was held.
	StatusResolved Status = "resolved"
)

// Status says what became of the money.
func (p Payment) Status() Status {
	switch {
	case p.FailedWith != "":
		return StatusFailed
	case p.Refunded:
		return StatusRefunded
	case p.Voided:
		return StatusVoided
	case p.Captured:
		return StatusCaptured
	case p.Authorized:
		return StatusAuthorized
	case p.Resolved:
		return StatusResolved
	default:
		return StatusPending
	}
}

// Known says whether anything was ever heard of the payment.
func (p Payment) Known() bool {
	return p.Placed || p.Shipped || p.TurnedBack() || p.Resolved
}

// TurnedBack says whether the order is on its way back.
func (p Payment) TurnedBack() bool {
	return p.StockReleased || p.ReservationFailed
}

// Over says whether nothing is held, and nothing ever will be.
func (p Payment) Over() bool {
	return p.Voided || p.Refunded || p.FailedWith != ""
}

// Pending is the attempt whose outcome is not known; there is one at most.
func (p Payment) Pending() (Attempt, bool) {
	if i := p.pending(); i >= 0 {
		return p.Attempts[i], true
	}
	return Attempt{}, false
}

// Attention is the refusal for which a person must look; the latest where there are two.
func (p Payment) Attention() (Attempt, bool) {
	if p.Over() || p.Resolved {
		return Attempt{}, false
	}
	for _, a := range slices.Backward(p.Attempts) {
		if a.Stands && a.Attention {
			return a, true
		}
	}
	return Attempt{}, false
}

func (p Payment) pending() int {
	return slices.IndexFunc(p.Attempts, func(a Attempt) bool { return a.Status == AttemptPending })
}

// refused says whether a refusal of the operation stands in its way.
func (p Payment) refused(op Operation) bool {
	return slices.ContainsFunc(p.Attempts, func(a Attempt) bool { return a.Operation == op && a.Stands })
}

// attempts counts how often the operation was attempted.
func (p Payment) attempts(op Operation) int {
	n := 0
	for _, a := range p.Attempts {
		if a.Operation == op {
			n++
		}
	}
	return n
}

// captureRefusal is the code with which the latest capture was refused.
func (p Payment) captureRefusal() string {
	for _, a := range slices.Backward(p.Attempts) {
		if a.Operation == Capture {
			return a.Code
		}
	}
	return ""
}

func evolve(p Payment, f Fact) Payment {
	switch f := f.(type) {
	case Requested:
		p.Placed = true
		p.Amount, p.Token, p.CaptureAtOnce = f.Amount, f.Token, f.CaptureAtOnce
	case ShipmentHeard:
		p.Shipped = true
	case WayBackHeard:
		p.StockReleased = p.StockReleased || f.Cause == StockReleased
		p.ReservationFailed = p.ReservationFailed || f.Cause == StockReservationFailed
	case ResolutionHeard:
		p.Resolved = true
	case Attempted:
		p.Attempts = append(slices.Clone(p.Attempts), Attempt{
			Operation: f.Operation, Number: f.Number, Key: f.Key, At: f.At, Status: AttemptPending,
		})
	case Authorized:
		p.Authorized, p.Provider, p.ExpiresAt = true, f.Payment, f.ExpiresAt
		p = p.answered(Attempt{Status: AttemptSucceeded, Reference: f.Payment})
	case Refused:
		if f.Operation == Authorize {
			p.FailedWith = f.Code
		}
		p = p.answered(Attempt{Status: AttemptRefused, Code: f.Code, Stands: true, Attention: f.Attention})
	case Captured:
		p.Captured = true
		p = p.answered(Attempt{Status: AttemptSucceeded, Reference: f.Reference})
	case Voided:
		p.Voided, p.FailedWith = f.FailedWith == "", f.FailedWith
		answer := Attempt{Status: AttemptSucceeded, Reference: f.Reference}
		if f.Code != "" {
			answer = Attempt{Status: AttemptRefused, Code: f.Code}
		}
		p = p.answered(answer)
	case Refunded:
		p.Refunded = true
		p = p.answered(Attempt{Status: AttemptSucceeded, Reference: f.Reference})
	case RetryRequested:
		p.Attempts = slices.Clone(p.Attempts)
		for i := range p.Attempts {
			if p.Attempts[i].Operation == f.Operation {
				p.Attempts[i].Stands = false
			}
		}
	}
	return p
}

// answered sets what became of the pending attempt. There is none where the provider need not be asked.
func (p Payment) answered(answer Attempt) Payment {
	i := p.pending()
	if i < 0 {
		return p
	}
	p.Attempts = slices.Clone(p.Attempts)
	a := p.Attempts[i]
	answer.Operation, answer.Number, answer.Key, answer.At = a.Operation, a.Number, a.Key, a.At
	p.Attempts[i] = answer
	return p
}
