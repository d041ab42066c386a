package audit

import (
	"slices"

	"waybill.dev/services/payments/payment"
	"waybill.dev/simulators/provider"
)

// checkCharges: the provider has been asked for what payments knows of, once, and has done what payments believes.
func (a *account) checkCharges() {
	if len(a.Charges) > 1 {
		a.find(BooksAgree, "the provider has %d payments", len(a.Charges))
		return
	}
	var charge provider.Payment
	if len(a.Charges) == 1 {
		charge = a.Charges[0]
	}
	if a.byHand() {
		return // an operator may have settled it with the provider, under keys of their own
	}
	books := map[string]provider.OperationRecord{}
	for _, o := range charge.Operations {
		if _, twice := books[o.Key]; twice {
			a.find(BooksAgree, "the provider has done %s twice", o.Key)
		}
		books[o.Key] = o
		known := slices.ContainsFunc(a.payment.Attempts, func(p payment.Attempt) bool {
			return p.Key == o.Key && string(p.Operation) == string(o.Operation)
		})
		if !known {
			a.find(BooksAgree, "the provider was asked to %s under the key %s, which payments does not know", o.Operation, o.Key)
		}
	}
	for _, p := range a.payment.Attempts {
		if o := books[p.Key]; p.Status != payment.AttemptPending && (o.Status != string(p.Status) || o.Code != p.Code) {
			a.find(BooksAgree, "%s has %s %s for payments, and %s %s for the provider", p.Key, p.Status, p.Code, o.Status, o.Code)
		}
	}
	a.checkAmounts(charge, books)
}

// checkAmounts holds what payments believes of the money against the provider. What has been asked and not answered
// may have been done.
func (a *account) checkAmounts(charge provider.Payment, books map[string]provider.OperationRecord) {
	p := a.payment
	authorized, captured, refunded, over := p.Authorized, p.Captured, p.Refunded, p.Over()
	if asked, pending := p.Pending(); pending && books[asked.Key].Status == "succeeded" {
		authorized = authorized || asked.Operation == payment.Authorize
		captured = captured || asked.Operation == payment.Capture
		refunded = refunded || asked.Operation == payment.Refund
		over = over || asked.Operation == payment.Void
	}
	amount := func(happened bool) int64 {
		if happened {
			return p.Amount.Amount
		}
		return 0
	}
	if charge.Authorized != amount(authorized) || charge.Captured != amount(captured) || charge.Refunded != amount(refunded) {
		a.find(BooksAgree, "payments has held %d, taken %d and given back %d, the provider %d, %d and %d", amount(authorized),
			amount(captured), amount(refunded), charge.Authorized, charge.Captured, charge.Refunded)
	}
	held := authorized && !captured && !over && p.Amount.Amount > 0
	if held != charge.Held && (charge.Held || charge.Status != "expired") {
		a.find(BooksAgree, "payments believes that money is held: %v, and the provider's payment is %s", held, charge.Status)
	}
}
