package audit

import (
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

// checkResolved: an operator settles what shows attention, and behind their word nobody begins anything. What was asked
// before is answered, and what others say is still noted.
func (a *account) checkResolved() {
	walk(order.Category, a.Orders, a.checkResolution)
	walk(payment.Category, a.Payment, a.checkPaymentResolved)
	walk(shipment.Category, a.Shipment, a.checkShipmentResolved)
	walk(stock.Reservations, a.Reservation, a.checkReservationResolved)
}

func (a *account) checkResolution(o order.Order, fact es.Event) {
	switch fact.(type) {
	case order.Resolved:
		if o.Attention() == "" {
			a.find(OneEnd, "it was settled by hand, and showed no attention")
		}
	case order.CancellationRequested, order.DeadlineMissed:
		if o.Ended() {
			a.find(OneEnd, "%s stands behind its end", fact.Kind())
		}
	}
}

func (a *account) checkPaymentResolved(p payment.Payment, fact es.Event) {
	if !p.Resolved {
		return
	}
	switch fact.(type) {
	case payment.Attempted, payment.RetryRequested:
		a.find(OneEnd, "%s stands behind its resolution", fact.Kind())
	case payment.Authorized, payment.Captured, payment.Refused, payment.Voided, payment.Refunded:
		if _, asked := p.Pending(); !asked {
			a.find(OneEnd, "%s stands behind its resolution, and answers nothing", fact.Kind())
		}
	}
}

func (a *account) checkShipmentResolved(s shipment.Shipment, fact es.Event) {
	if !s.Resolved {
		return
	}
	switch fact.(type) {
	case shipment.Attempted, shipment.RetryRequested, shipment.CancellationRefused:
		a.find(OneEnd, "%s stands behind its resolution", fact.Kind())
	case shipment.Cancelled:
		if !s.IsBooked() {
			a.find(OneEnd, "%s stands behind its resolution, and nothing was booked", fact.Kind())
		}
	}
}

// checkReservationResolved: what is reserved when the resolution is heard leaves the shelf or is free again, as the
// operator has said, and what is not reserved then never will be.
func (a *account) checkReservationResolved(r stock.Reservation, fact es.Event) {
	heard, ok := fact.(stock.ResolutionHeard)
	if !ok || r.Ended() {
		return
	}
	want := stock.StatusReleased
	if r.Status() == stock.StatusReserved && heard.Outcome == stock.OutcomeCompleted {
		want = stock.StatusShipped
	}
	if got := a.reservation.Status(); got != want {
		a.find(StockEnds, "it was settled as %s with its stock %s, which is now %s", heard.Outcome, r.Status(), got)
	}
}

// walk shows each fact of a stream together with the state that it met.
func walk[S any, E es.Event](c es.Category[S, E], facts []es.Recorded, check func(before S, fact es.Event)) {
	var state S
	for _, f := range facts {
		check(state, f.Event)
		if fact, ok := f.Event.(E); ok {
			state = c.Evolve(state, fact)
		}
	}
}
