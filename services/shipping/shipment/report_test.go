package shipment_test

import (
	"testing"
	"time"

	"waybill.dev/platform/es"
	"waybill.dev/services/shipping/shipment"
)

func TestTheCarrierBooksPicksUpAndDelivers(t *testing.T) {
	s := given(t, pastBooking...)
	s.When(take(saysBooked)).Then(facts(booked)...).ThenJobs()
	s.When(take(saysBooked)).ThenNothing()
	s.When(take(saysGone)).Then(facts(shipped)...).ThenJobs()
	s.When(take(saysGone)).ThenNothing()
	s.When(take(saysThere)).Then(facts(delivered)...).ThenJobs()
	s.When(take(saysThere)).ThenNothing()
	s.When(take(saysBooked)).ThenNothing() // the first answer's zombie
}

func TestAPickUpIsTheAnswerToTheBooking(t *testing.T) {
	s := given(t, pastBooking...)
	s.When(take(saysGone)).Then(facts(booked, shipped)...).ThenJobs()
	s.When(take(saysBooked)).ThenNothing()
}

func TestADeliveryImpliesBookingAndPickUp(t *testing.T) {
	s := given(t, pastBooking...)
	s.When(take(saysThere)).Then(facts(booked, shipped, delivered)...).ThenJobs()
	s.When(take(saysGone)).ThenNothing()
}

func TestADeliveryThatDoesNotTellOfThePickUpDatesItItself(t *testing.T) {
	report := shipment.Report{Booking: parcel, State: shipment.StateDelivered, At: deliveredAt}
	given(t, pastBooked...).When(take(report)).
		Then(facts(shipment.PickedUp{Booking: parcel, At: deliveredAt}, delivered)...)
}

func TestTimesAreNotedInUTC(t *testing.T) {
	report := saysGone
	report.At = pickedUpAt.In(time.FixedZone("east", 3600))
	given(t, pastBooked...).When(take(report)).Then(facts(shipped)...)
}

func TestABookingThatTheCarrierCancelledByItselfIsCancelled(t *testing.T) {
	given(t, pastBooked...).When(take(saysNot)).Then(facts(shipment.Cancelled{})...).ThenJobs()
	given(t, pastBooking...).When(take(saysNot)).Then(facts(booked, shipment.Cancelled{})...).ThenJobs()
}

func TestAReportThatCannotBeOursIsRefused(t *testing.T) {
	other := saysGone
	other.ID = "bkg_2"
	for name, c := range map[string]struct {
		past   []shipment.Event
		report shipment.Report
		code   es.RefusalCode
	}{
		"unknown order":             {nil, saysGone, es.NotFound},
		"never asked":               {[]shipment.Event{orderHeard}, saysGone, es.NotFound},
		"tombstone":                 {[]shipment.Event{cancelHeard, shipment.Cancelled{}}, saysGone, es.NotFound},
		"another booking":           {pastBooked, other, es.Conflict},
		"picked up, though refused": {pastFailed, saysGone, es.Conflict},
		"delivered, though cancelled": {
			append(pastCancelling[:6:6], shipment.Cancelled{}), saysThere, es.Conflict,
		},
		"no booking":    {pastBooking, shipment.Report{State: shipment.StateBooked}, es.Invalid},
		"unknown state": {pastBooking, shipment.Report{Booking: parcel, State: "lost"}, es.Invalid},
		"no time":       {pastBooking, shipment.Report{Booking: parcel, State: shipment.StatePickedUp}, es.Invalid},
	} {
		t.Run(name, func(t *testing.T) { given(t, c.past...).When(take(c.report)).ThenRefused(c.code) })
	}
}
