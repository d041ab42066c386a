package shipment

import (
	"time"

	"waybill.dev/platform/es"
)

// Report is what the carrier says of a booking, whichever way it says it: in answer to a call, by a webhook, or to
// a look-up. Each stands for all that came before it: a pick-up is the booking's answer too, a delivery both.
type Report struct {
	Booking
	State State
	// At is when it came to that state, by the carrier's clock. PickedUp and Delivered need it.
	At time.Time
	// PickedUpAt is the time of the pick-up in the report of a delivery, where the carrier tells it.
	PickedUpAt time.Time
}

// State is where the carrier says the parcel is.
type State string

const (
	StateBooked    State = "booked"
	StateCancelled State = "cancelled"
	StatePickedUp  State = "picked_up"
	StateDelivered State = "delivered"
)

// Take notes what is new in the report. It is refused where it cannot be about this shipment (NotFound: the carrier
// was never asked), where it contradicts what the carrier said before (Conflict), and where it is no report at all
// (Invalid): these a person must see.
func Take(tenant, order string, r Report) es.Command {
	return on(tenant, order, func(s Shipment) ([]Event, error) {
		if err := r.fits(s); err != nil || s.Cancelled || s.HasFailed() {
			return nil, err
		}
		var facts []Event
		if !s.IsBooked() {
			facts = append(facts, Booked{r.Booking})
		}
		switch r.State {
		case StateBooked: // the booking itself
		case StateCancelled:
			if !s.IsShipped() {
				facts = append(facts, Cancelled{})
			}
		case StatePickedUp:
			if !s.IsShipped() {
				facts = append(facts, PickedUp{r.Booking, r.At.UTC()})
			}
		case StateDelivered:
			if !s.IsShipped() {
				facts = append(facts, PickedUp{r.Booking, r.pickedUp().UTC()})
			}
			if !s.IsDelivered() {
				facts = append(facts, Delivered{r.At.UTC()})
			}
		}
		return facts, nil
	})
}

// fits says why the report cannot be taken.
func (r Report) fits(s Shipment) error {
	gone := r.State == StatePickedUp || r.State == StateDelivered
	switch {
	case r.ID == "":
		return es.Refuse(es.Invalid, "the carrier's report names no booking")
	case r.State != StateBooked && r.State != StateCancelled && !gone:
		return es.Refuse(es.Invalid, "the carrier's report tells of no known state")
	case gone && r.At.IsZero():
		return es.Refuse(es.Invalid, "the carrier's report of %s has no time", r.State)
	case !s.BookingAsked:
		return es.Refuse(es.NotFound, "no booking was asked for this order")
	case s.IsBooked() && r.ID != s.Booking.ID:
		return es.Refuse(es.Conflict, "the order's booking is %s, and the carrier reports another", s.Booking.ID)
	case gone && (s.Cancelled || s.HasFailed()):
		return es.Refuse(es.Conflict, "the carrier reports a parcel %s that was never to be shipped", r.State)
	}
	return nil
}

func (r Report) pickedUp() time.Time {
	if r.PickedUpAt.IsZero() {
		return r.At
	}
	return r.PickedUpAt
}
