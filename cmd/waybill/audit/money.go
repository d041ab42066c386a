package audit

import (
	"waybill.dev/services/payments/payment"
	"waybill.dev/simulators/carrier"
)

// kept is what the provider has taken for the order and not given back.
func (a *account) kept() (sum int64) {
	for _, c := range a.Charges {
		sum += c.Captured - c.Refunded
	}
	return sum
}

// held says whether the provider holds money for the order.
func (a *account) held() bool {
	for _, c := range a.Charges {
		if c.Held {
			return true
		}
	}
	return false
}

// gone says whether the carrier has the parcel, or had it.
func (a *account) gone() bool {
	for _, p := range a.Parcels {
		if p.Status == carrier.PickedUp || p.Status == carrier.Delivered {
			return true
		}
	}
	return a.shipment.IsShipped()
}

// checkMoney: a completed order is paid and a cancelled one is not, from the moment that it says so.
func (a *account) checkMoney() {
	if a.order.Placed == nil || a.byHand() {
		return
	}
	total, kept := a.order.Placed.Total, a.kept()
	for _, c := range a.Charges {
		if c.Amount.Currency != total.Currency {
			a.find(MoneyOwed, "it is to be paid in %s, and the provider has a payment in %s", total.Currency, c.Amount.Currency)
		}
	}
	switch {
	case kept != 0 && kept != total.Amount:
		a.find(MoneyOwed, "its total is %d, and the provider has taken %d", total.Amount, kept)
	case a.order.Completed != nil && kept != total.Amount:
		a.find(MoneyOwed, "it is completed, its total is %d, and the provider has taken %d", total.Amount, kept)
	case a.order.Cancelled != nil && kept != 0:
		a.find(MoneyOwed, "it is cancelled, and the provider has kept %d", kept)
	case a.order.Ended() && a.held():
		a.find(MoneyOwed, "it is %s, and the provider holds money", a.order.Status())
	case a.order.Ended() || !a.atRest():
	case kept != 0 && !a.may(aCapture):
		a.find(MoneyOwed, "it is %s with attention %q, and the provider has kept %d", a.order.Status(), a.order.Attention(), kept)
	case a.held() && !a.may(aHold):
		a.find(MoneyOwed, "it is %s with attention %q, and the provider holds money", a.order.Status(), a.order.Attention())
	}
}

// checkShippedAndPaid: what is gone is paid, and what was given back never goes.
func (a *account) checkShippedAndPaid() {
	if !a.gone() || a.byHand() {
		return
	}
	for _, c := range a.Charges {
		if c.Refunded > 0 || c.Status == "voided" {
			a.find(PaidIfShipped, "the parcel is gone, and the payment %s", c.Status)
		}
	}
	if a.payment.Refunded || a.payment.Voided {
		a.find(PaidIfShipped, "the parcel is gone, and the payment is %s", a.payment.Status())
	}
	if a.order.Cancelled != nil {
		a.find(PaidIfShipped, "the parcel is gone, and the order is cancelled")
	}
	if a.order.Placed == nil {
		return
	}
	if total := a.order.Placed.Total.Amount; a.atRest() && a.kept() < total && !a.may(anUnpaidParcel) {
		a.find(PaidIfShipped, "the parcel is gone, and of %d only %d are paid", total, a.kept())
	}
}

// checkTurnedBack: once the order has turned back, nobody begins to hold or to take money for it.
func (a *account) checkTurnedBack() {
	back := false
	for _, f := range a.Payment {
		switch e := f.Event.(type) {
		case payment.WayBackHeard:
			back = true
		case payment.Attempted:
			if back && (e.Operation == payment.Authorize || e.Operation == payment.Capture) {
				a.find(MoneyOwed, "the provider was asked to %s after the order had turned back", e.Operation)
			}
		}
	}
}
