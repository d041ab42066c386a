package stock

import (
	"fmt"

	"waybill.dev/platform/es"
)

// release gives back what is reserved for the order. Where nothing is yet, it remembers that nothing will be: what
// is heard of the order later reserves nothing.
func release(id es.StreamID, r Reservation, cause Cause, states es.States) (es.Decision, error) {
	d := es.Decision{Facts: es.Facts[ReservationEvent](id, ReservationReleased{Cause: cause})}
	if r.Status() != StatusReserved {
		return d, nil
	}
	d.Need = shelves(id.Tenant, r.Lines)
	if err := checkReserved(r, d.Need, states); err != nil {
		return es.Decision{}, err
	}
	for i, l := range r.Lines {
		d.Facts = append(d.Facts, es.Facts[Event](d.Need[i], Released{Order: id.ID, Quantity: l.Quantity})...)
	}
	return d, nil
}

// checkReserved holds the shelves that are loaded against what a reservation believes to have there. A difference
// is a bug, and ends in no fact.
func checkReserved(r Reservation, shelves []es.StreamID, states es.States) error {
	for i, l := range r.Lines {
		if shelf := Stocks.State(states, shelves[i]); states.Has(shelves[i]) && shelf.Reserved < l.Quantity {
			return fmt.Errorf("stream %s: %d reserved, which is less than the order's %d", shelves[i], shelf.Reserved, l.Quantity)
		}
	}
	return nil
}
