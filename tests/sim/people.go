package sim

import (
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

// What an operator may do about an order that shows attention.
const (
	leftAlone = iota
	retriedAllowed
	retriedInVain
	resolvedCompleted
	resolvedCancelled
	settledByHand
	operations
)

// maxWorries is how often an operator is called for one order.
const maxWorries = 5

// worry calls an operator, now and then, while the order shows attention.
func (w *world) worry(o *purchase) {
	if o.worries++; o.worries <= maxWorries {
		w.after(w.delay(w.climate.people), func() {
			if o.attention != "" {
				w.operate(o)
			}
		})
	}
}

// operate is what an operator does about an order, on what may no longer be true when it arrives.
func (w *world) operate(o *purchase) {
	deed := w.tape.pick(w.climate.operators)
	switch deed {
	case leftAlone:
		return
	case retriedAllowed:
		w.provider.allow(o.String())
		w.carrier.allow(o.String())
		fallthrough
	case retriedInVain:
		w.faults.count(retry)
		payments, shipping := w.parts[paymentsPart], w.parts[shippingPart]
		w.at(w.now, payments, func() {
			w.do(payments, o, "retry", payment.Retry(payment.Category.Stream(o.tenant.name, o.id), "operator", w.clock()), "request")
		})
		w.at(w.now, shipping, func() {
			w.do(shipping, o, "retry", shipment.Retry(o.tenant.name, o.id), "request")
		})
		if w.tape.pick(odds{1, 1}) == 1 {
			for _, come := range o.late { // what was answered to an earlier try comes in just now
				come()
			}
		}
		w.worry(o)
		return
	}
	w.faults.count(resolution)
	outcome := order.OutcomeCancelled
	if deed == resolvedCompleted {
		outcome = order.OutcomeCompleted
	}
	if deed == settledByHand && w.parcelGone(o) {
		outcome = order.OutcomeCompleted
	}
	orders := w.parts[ordersPart]
	w.at(w.now+w.delay(w.climate.hear), orders, func() {
		verb := order.Resolve{Outcome: outcome, ResolvedBy: "night shift", Reason: "settled"}
		if w.do(orders, o, "resolve", order.On(o.tenant.name, o.id, verb), "request") && deed == settledByHand {
			w.note("an operator settles the money of %s with the provider", o)
			w.provider.settleByHand(o.String(), outcome == order.OutcomeCompleted, w.clock())
		}
	})
}

func (w *world) parcelGone(o *purchase) bool {
	for _, p := range w.carrier.byReference[o.String()] {
		if p.PickedUpAt != nil {
			return true
		}
	}
	return false
}
