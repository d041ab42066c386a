package order

import (
	"slices"
	"time"
)

// Step is what an open order waits for.
type Step string

// The steps, each named after the fact that ends it.
const (
	StepAuthorization Step = "authorization" // payment-authorized
	StepReservation   Step = "reservation"   // stock-reserved
	StepShipment      Step = "shipment"      // order-shipped
	StepCapture       Step = "capture"       // payment-captured
	StepCancellation  Step = "cancellation"  // the next fact of the way back, or the cancellation's refusal
)

// Steps lists every step.
func Steps() []Step {
	return []Step{StepAuthorization, StepReservation, StepShipment, StepCapture, StepCancellation}
}

// Deadlines are how long each step may take.
type Deadlines struct {
	Authorization Duration `json:"authorization"`
	Reservation   Duration `json:"reservation"`
	Shipment      Duration `json:"shipment"` // from the reservation to the pick-up
	Capture       Duration `json:"capture"`  // from the pick-up
	Cancellation  Duration `json:"cancellation"`
}

// Duration is stored as it is written: "2m0s".
type Duration time.Duration

// MarshalText writes the duration as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// Expectation is what an open order waits for, and until when.
type Expectation struct {
	Step Step
	Due  time.Time
}

// Expects is what the order waits for first. It waits for nothing that has a time when it has ended, and while a
// person is looking at it.
func (o Order) Expects() (Expectation, bool) {
	if o.Placed == nil || o.Ended() || o.Attention() != "" {
		return Expectation{}, false
	}
	d := o.Placed.Deadlines
	switch {
	case o.Shipped != nil:
		first := after(StepCapture, d.Capture, o.Shipped.HeardAt)
		if o.pending() {
			if e := o.expectsAnswer(); e.Due.Before(first.Due) {
				first = e
			}
		}
		return first, true
	case o.Cancelling():
		return o.expectsAnswer(), true
	case o.Refused != nil: // the parcel is gone, and order-shipped is on its way
		return after(StepShipment, d.Shipment, o.Refused.HeardAt), true
	case o.Reserved != nil:
		return after(StepShipment, d.Shipment, o.Reserved.HeardAt), true
	case o.Authorized != nil:
		return after(StepReservation, d.Reservation, o.Authorized.HeardAt), true
	}
	return after(StepAuthorization, d.Authorization, o.Placed.PlacedAt), true
}

// expectsAnswer is what an order on its way back waits for. Every answer on that way starts the clock anew.
func (o Order) expectsAnswer() Expectation {
	var heard []time.Time
	if o.Requested != nil {
		heard = append(heard, o.Requested.RequestedAt)
	}
	if o.ReservationFailed != nil {
		heard = append(heard, o.ReservationFailed.HeardAt)
	}
	if o.ShippingFailed != nil {
		heard = append(heard, o.ShippingFailed.HeardAt)
	}
	if o.ShipmentCancelled != nil {
		heard = append(heard, o.ShipmentCancelled.HeardAt)
	}
	if o.Released != nil {
		heard = append(heard, o.Released.HeardAt)
	}
	return after(StepCancellation, o.Placed.Deadlines.Cancellation, heard...)
}

// came says whether what the step waited for has come.
func (o Order) came(s Step) bool {
	switch s {
	case StepAuthorization:
		return o.Authorized != nil || o.Reserved != nil || o.Shipped != nil
	case StepReservation:
		return o.Reserved != nil || o.Shipped != nil
	case StepShipment:
		return o.Shipped != nil
	case StepCapture:
		return o.Captured != nil
	case StepCancellation:
		return o.Refused != nil
	}
	return false
}

// after is a step that began with the last of these times.
func after(s Step, d Duration, began ...time.Time) Expectation {
	return Expectation{Step: s, Due: slices.MaxFunc(began, time.Time.Compare).Add(time.Duration(d))}
}
