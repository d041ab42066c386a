package sim

import (
	"strconv"
	"time"

	"waybill.dev/services/shipping/shipment"
	"waybill.dev/simulators/carrier"
)

// parcels is the carrier in memory, by the rules of simulators/carrier.
type parcels struct {
	byReference map[string][]*parcel
	byID        map[string]*parcel
	answers     map[string]told
}

// parcel is a booking in the carrier's books.
type parcel struct {
	carrier.Booking
	script script
}

// told is an answer of the carrier: a report, or the code of a refusal.
type told struct {
	report shipment.Report
	code   string
}

func newParcels() *parcels {
	return &parcels{byReference: map[string][]*parcel{}, byID: map[string]*parcel{}, answers: map[string]told{}}
}

// book asks for a parcel to be fetched. It also returns the parcel where this has made one.
func (c *parcels) book(key, reference string, s script, now time.Time) (told, *parcel) {
	if answer, ok := c.answers[key]; ok {
		return answer, nil
	}
	if s.bookingRefused {
		c.answers[key] = told{code: "address_not_served"}
		return c.answers[key], nil
	}
	n := strconv.Itoa(len(c.byID) + 1)
	p := &parcel{script: s, Booking: carrier.Booking{
		ID: "bkg_" + n, Reference: reference, Status: carrier.Booked, Carrier: carrier.Name, TrackingNumber: "SP" + n, BookedAt: now,
	}}
	c.byID[p.ID], c.byReference[reference] = p, append(c.byReference[reference], p)
	c.answers[key] = told{report: p.report()}
	return c.answers[key], p
}

// cancel asks for a parcel not to be fetched; false where there is no such booking.
func (c *parcels) cancel(key, booking string) (told, bool) {
	if answer, ok := c.answers[key]; ok {
		return answer, true
	}
	p := c.byID[booking]
	if p == nil {
		return told{}, false
	}
	answer := told{}
	if p.Status == carrier.Booked && p.script.cancelRefused {
		answer.code = "cancellation_refused"
	} else {
		if p.Status == carrier.Booked {
			p.Status = carrier.Cancelled
		}
		answer.report = p.report()
	}
	c.answers[key] = answer
	return answer, true
}

// move takes a parcel on, and says whether anything has moved.
func (p *parcel) move(to carrier.Status, now time.Time) bool {
	switch {
	case to == carrier.PickedUp && p.Status == carrier.Booked:
		p.PickedUpAt = &now
	case to == carrier.Delivered && p.Status == carrier.PickedUp:
		p.DeliveredAt = &now
	default:
		return false
	}
	p.Status = to
	return true
}

// report is what the carrier says of the parcel now.
func (p *parcel) report() shipment.Report {
	r := shipment.Report{
		Booking: shipment.Booking{ID: p.ID, Carrier: p.Carrier, TrackingNumber: p.TrackingNumber},
		State:   shipment.State(p.Status),
	}
	switch p.Status {
	case carrier.PickedUp:
		r.At = *p.PickedUpAt
	case carrier.Delivered:
		r.At, r.PickedUpAt = *p.DeliveredAt, *p.PickedUpAt
	case carrier.Booked, carrier.Cancelled:
	}
	return r
}

// notice is what a webhook says of the parcel as it is now: it does not repeat earlier news.
func (p *parcel) notice() shipment.Report {
	r := p.report()
	r.PickedUpAt = time.Time{}
	return r
}

// allow lets an order's parcels be cancelled.
func (c *parcels) allow(reference string) {
	for _, p := range c.byReference[reference] {
		p.script.cancelRefused = false
	}
}

// books are the carrier's books under a reference.
func (c *parcels) books(reference string) []carrier.Booking {
	var list []carrier.Booking
	for _, p := range c.byReference[reference] {
		list = append(list, p.Booking)
	}
	return list
}
