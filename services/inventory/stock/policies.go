package stock

import (
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// Hears lists the events that React answers.
func Hears() []contracts.Event {
	return []contracts.Event{
		contracts.OrderPlaced{}, contracts.PaymentAuthorized{}, contracts.OrderShipped{},
		contracts.ShipmentCancelled{}, contracts.ShippingFailed{}, contracts.OrderResolved{},
	}
}

// React is inventory's part of the saga: message in, command out. An event that does not concern it comes to
// nothing. A message that makes no sense (an order without lines, an outcome that nobody knows) is refused.
func React(m contracts.Message, _ time.Time) es.Command {
	id := Reservations.Stream(m.Tenant, m.Subject)
	switch e := m.Data.(type) {
	case contracts.OrderPlaced:
		lines, err := linesOf(e.Lines)
		return hear(id, OrderHeard{Lines: lines}, err)
	case contracts.PaymentAuthorized:
		return hear(id, PaymentHeard{}, nil)
	case contracts.OrderShipped:
		return hear(id, ShipmentHeard{}, nil)
	case contracts.ShipmentCancelled:
		return hear(id, ShipmentCancellationHeard{}, nil)
	case contracts.ShippingFailed:
		return hear(id, ShippingFailureHeard{}, nil)
	case contracts.OrderResolved:
		outcome, err := outcomeOf(e.Outcome)
		return hear(id, ResolutionHeard{Outcome: outcome}, err)
	case contracts.OrderCancellationRequested, contracts.OrderCancelled, contracts.OrderCompleted,
		contracts.PaymentFailed, contracts.PaymentCaptured, contracts.PaymentVoided, contracts.PaymentRefunded,
		contracts.PaymentAttentionRequired,
		contracts.StockReserved, contracts.StockReservationFailed, contracts.StockReleased,
		contracts.CancellationRefused, contracts.ShipmentAttentionRequired, contracts.ShipmentDelivered:
	}
	return es.Nothing()
}

// hear notes a message when it is heard for the first time, and then does what is next. Heard again, it comes to
// nothing.
func hear(id es.StreamID, heard ReservationEvent, malformed error) es.Command {
	return es.Command{Streams: []es.StreamID{id}, Decide: func(states es.States) (es.Decision, error) {
		if malformed != nil {
			return es.Decision{}, malformed
		}
		r := Reservations.State(states, id)
		if r.heard(heard) {
			return es.Decision{}, nil
		}
		d, err := next(id, evolveReservation(r, heard), states)
		if err != nil {
			return es.Decision{}, err
		}
		d.Facts = append(es.Facts(id, heard), d.Facts...)
		return d, nil
	}}
}

// next is what is to be done now that all this has been heard, in whatever order.
func next(id es.StreamID, r Reservation, states es.States) (es.Decision, error) {
	reserved := r.Status() == StatusReserved
	switch {
	case r.Ended():
		return es.Decision{}, nil
	case reserved && (r.OrderShipped || r.Resolved == OutcomeCompleted):
		return ship(id, r, states)
	case r.Resolved != "":
		return release(id, r, CauseOrderResolved, states)
	case r.OrderShipped:
		// The parcel went without a reservation, which no right saga brings about. What is heard later must not
		// reserve for it, nor, by a shortage, have the money sent back.
		return release(id, r, CauseOrderShipped, states)
	case r.ShipmentCancelled:
		return release(id, r, CauseShipmentCancelled, states)
	case r.ShippingFailed:
		return release(id, r, CauseShippingFailed, states)
	case r.Ordered && r.Paid && !reserved:
		return reserve(id, r, states)
	}
	return es.Decision{}, nil
}

// linesOf keeps of the order's lines what inventory needs. A SKU in two lines wants the sum.
func linesOf(placed []contracts.OrderLine) ([]Line, error) {
	if len(placed) == 0 {
		return nil, es.Refuse(es.Invalid, "the order has no lines")
	}
	lines := make([]Line, 0, len(placed))
	at := map[string]int{}
	for _, l := range placed {
		if l.Quantity < 1 || l.Quantity > MaxQuantity {
			return nil, es.Refuse(es.Invalid, "the order's quantity of SKU %q is not 1 to %d", l.SKU, MaxQuantity)
		}
		if i, ok := at[l.SKU]; ok {
			lines[i].Quantity += l.Quantity
			continue
		}
		at[l.SKU] = len(lines)
		lines = append(lines, Line{SKU: l.SKU, Quantity: l.Quantity})
	}
	return lines, nil
}

func outcomeOf(name string) (Outcome, error) {
	switch o := Outcome(name); o {
	case OutcomeCompleted, OutcomeCancelled:
		return o, nil
	}
	return "", es.Refuse(es.Invalid, "the outcome %q of the resolution is not known", name)
}
