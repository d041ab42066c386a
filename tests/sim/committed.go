package sim

import (
	"time"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/shipping/shipment"
)

// committed does what follows a commit: jobs, rows of the read models, and the watch over what is due.
func (w *world) committed(s *service, d es.Decision) {
	if len(d.Facts) == 0 {
		return
	}
	id := d.Facts[0].Stream
	o := w.purchaseOf(id.Tenant, id.ID)
	if o == nil {
		return // a shelf's or a delivery's
	}
	for _, j := range d.Jobs {
		w.enqueue(s, o, j)
	}
	switch s.index {
	case ordersPart:
		w.holdDeadline(s, o, d)
		w.list(o, order.Category.State(s.states, id))
	case shippingPart:
		o.open = ""
		if known := shipment.Category.State(s.states, id); known.IsOpen() {
			o.open = known.Booking.ID
		}
	case inventoryPart:
		for _, f := range d.Facts {
			if failed, ok := f.Event.(stock.ReservationFailed); ok && len(failed.Shortages) > 0 {
				w.faults.count(outOfStock)
			}
		}
	}
}

// list writes the order's row, waits for what it expects, and calls an operator where it shows attention.
func (w *world) list(o *purchase, state order.Order) {
	if state.Placed == nil {
		return
	}
	attention := state.Attention()
	o.row = &audit.OrderRow{
		CustomerID: state.Placed.Customer.ID, Status: state.Status(), Attention: attention,
		Total: state.Placed.Total, PlacedAt: state.Placed.PlacedAt,
	}
	if e, waits := state.Expects(); waits {
		o.row.Expects = &e
		if due := e.Due.Sub(epoch()); due != o.watch {
			o.watch = due
			w.judgeAt(due+settle, o, settle)
		}
	}
	if attention != o.attention {
		if o.attention = attention; attention != "" {
			w.note("%s shows attention: %s", o, attention)
			w.worry(o)
		}
	}
}

// holdDeadline holds what was found overdue against what had been said in time: what was said is never overruled.
func (w *world) holdDeadline(s *service, o *purchase, d es.Decision) {
	switch e := d.Facts[0].Event.(type) {
	case order.DeadlineMissed:
	case order.CancellationRequested:
		if e.RequestedBy != order.ByDeadline {
			return
		}
	default:
		return
	}
	var before order.Order
	facts := s.recorded(o)
	for _, f := range facts[:len(facts)-len(d.Facts)] {
		before = order.Evolve(before, f.Event.(order.Event))
	}
	if e, _ := before.Expects(); !o.allHeard(s, e.Due.Sub(epoch())) {
		w.wrong(audit.OneEnd, o.tenant.name, o.id, "the %s was found overdue, and not all was heard that had been said in time", e.Step)
	}
}

// settle is how long behind a deadline what was said in time is waited for.
const settle = 15 * time.Second

// judgeAt judges what is overdue. What was said before is read first, for as long as that takes.
func (w *world) judgeAt(when time.Duration, o *purchase, pause time.Duration) {
	s := w.parts[ordersPart]
	w.at(when, s, func() {
		read := w.now - settle
		if o.row.Expects == nil || o.row.Expects.Due.After(epoch().Add(read)) {
			return
		}
		if !o.allRead(s, read) {
			w.judgeAt(w.now+pause, o, 2*pause)
			return
		}
		w.faults.count(deadline)
		verb := order.Expire{Step: o.row.Expects.Step, Read: epoch().Add(read)}
		w.at(w.now+w.delay(w.climate.hear), s, func() {
			verb.At = w.clock()
			w.do(s, o, "expire", order.On(o.tenant.name, o.id, verb), "deadline")
		})
	})
}
