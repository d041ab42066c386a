package audit

import (
	"slices"
	"strings"

	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

// checkEnd: an order comes to one end for which there is a reason, or shows attention.
func (a *account) checkEnd() {
	o, ends := a.order, 0
	for _, f := range a.Orders {
		switch f.Event.(type) {
		case order.Completed, order.Cancelled, order.Resolved:
			ends++
		}
	}
	switch {
	case ends > 1:
		a.find(OneEnd, "it has come to %d ends", ends)
	case ends == 0 && a.atRest() && o.Placed == nil && len(a.Orders)+len(a.Payment)+len(a.Reservation)+len(a.Shipment)+len(a.Mails) > 0:
		a.find(OneEnd, "it was heard of, and never placed")
	case ends == 0 && a.atRest() && o.Placed != nil && o.Attention() == "":
		a.find(OneEnd, "it is %s, nothing is under way, and it shows no attention", o.Status())
	case ends == 0 && a.atRest() && a.stuck():
		a.find(OneEnd, "it is %s, nothing is under way, and only a deadline tells of it: %s", o.Status(), o.Attention())
	}
	if o.Completed != nil && (o.Shipped == nil || o.Captured == nil) {
		a.find(OneEnd, "it is completed without having heard that it was shipped and paid")
	}
	if o.Cancelled != nil && o.PaymentFailed == nil && o.Voided == nil && o.Refunded == nil {
		a.find(OneEnd, "it is cancelled without having heard what became of the money")
	}
}

// stuck says that the order shows nothing but missed deadlines: with nothing under way nobody would ever answer them. A
// parcel that the carrier does not fetch in time is no exception: its deadline asks for the cancellation.
func (a *account) stuck() bool {
	reasons := a.order.Reasons()
	missed := func(r order.Reason) bool { return strings.HasSuffix(r.Name, " is overdue") }
	return len(reasons) > 0 && !slices.ContainsFunc(reasons, func(r order.Reason) bool { return !missed(r) })
}

// checkReasons: what an order shows attention for is what payments and shipping need a person for, and nothing else.
func (a *account) checkReasons() {
	if !a.atRest() || a.byHand() {
		return
	}
	shown := map[string]bool{}
	for _, r := range a.order.Reasons() {
		shown[r.Name] = true
	}
	refusal, pay := a.payment.Attention()
	if pay && !shown[string(refusal.Operation)+" refused"] {
		a.find(OneEnd, "payments needs a person for its %s, and the order shows attention %q", refusal.Operation, a.order.Attention())
	}
	if needs := a.shipment.NeedsAttention(); needs != shown["shipment cancel refused"] {
		a.find(OneEnd, "shipping needs a person: %v, and the order shows attention %q", needs, a.order.Attention())
	}
	for _, op := range []payment.Operation{payment.Capture, payment.Void, payment.Refund} {
		if !pay && shown[string(op)+" refused"] {
			a.find(OneEnd, "payments needs nobody, and the order shows attention %q", a.order.Attention())
		}
	}
}

// checkCancellation: a request ends in the order's cancellation, or was refused because the parcel was gone.
func (a *account) checkCancellation() {
	o, refused := a.order, false
	for _, f := range a.Shipment {
		if _, ok := f.Event.(shipment.CancellationRefused); ok {
			refused = true
		}
	}
	if refused && !a.shipment.IsShipped() {
		a.find(CancellationAnswered, "the cancellation was refused, and the parcel is not gone")
	}
	if o.Requested != nil && a.atRest() && !refused && o.Cancelled == nil && !a.byHand() && !a.may(aRequest) {
		a.find(CancellationAnswered, "%s asked for its cancellation and got no answer; it is %s", o.Requested.RequestedBy, o.Status())
	}
}
