package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/services/payments/payment"
	"waybill.dev/simulators/provider"
)

// charges is the payment provider in memory, by the rules of simulators/provider: it does an operation once for its
// key, and gives the same answer ever after.
type charges struct {
	byReference map[string][]*charge
	byID        map[string]*charge
	answers     map[string]payment.Outcome
	made        int
}

// charge is a payment in the provider's books.
type charge struct {
	provider.Payment
	voided  bool
	expires time.Time
	script  script
}

// script is how the outside misbehaves for an order, until an operator has it allowed.
type script struct {
	refuses []payment.Operation
	// lifetime is how long a hold lasts.
	lifetime time.Duration
	// bookingRefused and cancelRefused are the carrier's.
	bookingRefused, cancelRefused bool
	// forgotten parcels are never picked up.
	forgotten bool
	// mailRefused says that there is no such mailbox.
	mailRefused bool
}

func newCharges() *charges {
	return &charges{byReference: map[string][]*charge{}, byID: map[string]*charge{}, answers: map[string]payment.Outcome{}}
}

// request is an operation that is asked for.
type request struct {
	operation payment.Operation
	key       string
	reference string
	payment   string // the provider's name of it; "" for an authorization
	amount    contracts.Money
}

// do answers a request. The error says that the request makes no sense.
func (p *charges) do(r request, s script, now time.Time) (payment.Outcome, error) {
	if done, ok := p.answers[r.key]; ok {
		return done, nil
	}
	c := p.byID[r.payment]
	switch {
	case r.amount.Amount <= 0:
		return payment.Outcome{}, fmt.Errorf("the provider is asked for %s of %d", r.operation, r.amount.Amount)
	case r.operation == payment.Authorize:
		p.made++
		c = &charge{script: s, expires: now.Add(s.lifetime), Payment: provider.Payment{
			ID: "pay_" + strconv.Itoa(p.made), Reference: r.reference, Amount: provider.Money(r.amount),
		}}
		p.byID[c.ID], p.byReference[r.reference] = c, append(p.byReference[r.reference], c)
	case c == nil:
		return payment.Outcome{}, fmt.Errorf("the provider knows no payment %q to %s", r.payment, r.operation)
	}
	outcome := payment.Outcome{Operation: r.operation, Key: r.key, Code: c.refuses(r, now)}
	done := provider.OperationRecord{Key: r.key, Operation: provider.OperationKind(r.operation), Status: "succeeded", Code: outcome.Code, At: now}
	if outcome.Code != "" {
		done.Status = "refused"
	} else {
		c.apply(r)
		outcome.Reference = string(r.operation) + "-" + c.ID
		if r.operation == payment.Authorize {
			outcome.Reference, outcome.ExpiresAt = c.ID, c.expires
		}
	}
	c.Operations = append(c.Operations, done)
	p.answers[r.key] = outcome
	return outcome, nil
}

// refuses is the code with which a request is refused; what the books forbid comes before the script.
func (c *charge) refuses(r request, now time.Time) string {
	switch {
	case r.operation == payment.Authorize:
	case c.Authorized == 0:
		return "not_authorized"
	case r.operation == payment.Refund && c.Captured == 0:
		return "not_captured"
	case r.operation == payment.Refund && r.amount.Amount > c.Captured-c.Refunded:
		return "amount_too_large"
	case r.operation == payment.Refund:
	case c.Captured > 0:
		return "already_captured"
	case c.voided:
		return "already_voided"
	case !now.Before(c.expires):
		return payment.HoldExpired
	case r.operation == payment.Capture && r.amount.Amount > c.Amount.Amount:
		return "amount_too_large"
	}
	if slices.Contains(c.script.refuses, r.operation) {
		if r.operation == payment.Authorize {
			return "card_declined"
		}
		return string(r.operation) + "_refused"
	}
	return ""
}

func (c *charge) apply(r request) {
	switch r.operation {
	case payment.Authorize:
		c.Authorized = r.amount.Amount
	case payment.Capture:
		c.Captured = r.amount.Amount
	case payment.Refund:
		c.Refunded += r.amount.Amount
	case payment.Void:
		c.voided = true
	}
}

// allow lifts what is refused of an order's payment.
func (p *charges) allow(reference string) {
	for _, c := range p.byReference[reference] {
		c.script.refuses = nil
	}
}

// settleByHand takes or lets go of the money in the provider's own office.
func (p *charges) settleByHand(reference string, take bool, now time.Time) {
	for _, c := range p.byReference[reference] {
		held := c.Authorized > 0 && c.Captured == 0 && !c.voided && now.Before(c.expires)
		switch {
		case take && held:
			c.Captured = c.Amount.Amount
		case !take && held:
			c.voided = true
		case !take:
			c.Refunded = c.Captured
		}
	}
}

// books are the provider's books under a reference.
func (p *charges) books(reference string, now time.Time) []provider.Payment {
	var list []provider.Payment
	for _, c := range p.byReference[reference] {
		view := c.Payment
		switch {
		case c.Authorized == 0:
			view.Status = "declined"
		case c.Refunded > 0 && c.Refunded == c.Captured:
			view.Status = "refunded"
		case c.Captured > 0:
			view.Status = "captured"
		case c.voided:
			view.Status = "voided"
		case !now.Before(c.expires):
			view.Status = "expired"
		default:
			view.Status, view.Held = "authorized", true
		}
		list = append(list, view)
	}
	return list
}
