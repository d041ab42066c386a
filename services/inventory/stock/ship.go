package stock

import "waybill.dev/platform/es"

// ship takes what is reserved for the order off the shelf.
func ship(id es.StreamID, r Reservation, states es.States) (es.Decision, error) {
	d := es.Decision{
		Need:  shelves(id.Tenant, r.Lines),
		Facts: es.Facts[ReservationEvent](id, ReservationShipped{}),
	}
	if err := checkReserved(r, d.Need, states); err != nil {
		return es.Decision{}, err
	}
	for i, l := range r.Lines {
		d.Facts = append(d.Facts, es.Facts[Event](d.Need[i], Shipped{Order: id.ID, Quantity: l.Quantity})...)
	}
	return d, nil
}
