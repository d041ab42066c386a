package stock

import "waybill.dev/platform/es"

// reserve keeps every line for the order, or none of them.
func reserve(id es.StreamID, r Reservation, states es.States) (es.Decision, error) {
	d := es.Decision{Need: shelves(id.Tenant, r.Lines)}
	var short []Shortage
	for i, l := range r.Lines {
		shelf := Stocks.State(states, d.Need[i])
		if l.Quantity > shelf.Available() {
			short = append(short, Shortage{SKU: l.SKU, Wanted: l.Quantity, Available: shelf.Available()})
		}
	}
	if short != nil {
		d.Facts = es.Facts[ReservationEvent](id, ReservationFailed{Shortages: short})
		return d, nil
	}
	d.Facts = es.Facts[ReservationEvent](id, ReservationMade{})
	for i, l := range r.Lines {
		d.Facts = append(d.Facts, es.Facts[Event](d.Need[i], Reserved{Order: id.ID, Quantity: l.Quantity})...)
	}
	return d, nil
}

// shelves are the streams of the lines' stocks, line by line.
func shelves(tenant string, lines []Line) []es.StreamID {
	ids := make([]es.StreamID, 0, len(lines))
	for _, l := range lines {
		ids = append(ids, Stocks.Stream(tenant, l.SKU))
	}
	return ids
}
