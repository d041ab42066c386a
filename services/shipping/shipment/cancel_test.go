package shipment_test

import (
	"testing"

	"waybill.dev/services/shipping/shipment"
)

func TestACancellationBeforeAnythingWasAskedIsAnsweredAtOnce(t *testing.T) {
	given(t).When(whenCancel).Then(facts(cancelHeard, shipment.Cancelled{})...).ThenJobs()
	given(t, orderHeard).When(whenCancel).Then(facts(cancelHeard, shipment.Cancelled{})...).ThenJobs()
	given(t, stockHeard).When(whenCancel).Then(facts(cancelHeard, shipment.Cancelled{})...).ThenJobs()
}

func TestACancellationWaitsForABookingUnderWayThenCancelsIt(t *testing.T) {
	s := given(t, pastBooking...)
	s.When(whenCancel).Then(facts(cancelHeard)...).ThenJobs()
	s.When(take(saysBooked)).Then(facts(booked, cancelAsked)...).ThenJobs(cancelJob)
	s.When(take(saysNot)).Then(facts(shipment.Cancelled{})...).ThenJobs()
}

func TestACancellationOfABookingAsksTheCarrier(t *testing.T) {
	given(t, pastBooked...).When(whenCancel).Then(facts(cancelHeard, cancelAsked)...).ThenJobs(cancelJob)
}

func TestACancellationAfterThePickUpIsRefusedOnce(t *testing.T) {
	s := given(t, pastShipped...)
	s.When(whenCancel).Then(facts(cancelHeard, shipment.CancellationRefused{})...).ThenJobs()
	s.When(whenCancel).ThenNothing()
}

func TestACancelAnsweredByThePickUpIsRefused(t *testing.T) {
	given(t, pastCancelling...).When(take(saysGone)).Then(facts(shipped, shipment.CancellationRefused{})...).ThenJobs()
}

func TestACancelThatTheCarrierRefusesNeedsAPerson(t *testing.T) {
	s := given(t, pastCancelling...)
	refusal := shipment.RefuseCancel(tenant, order, 0, "cancellation_refused")
	s.When(refusal).Then(facts(kept)...).ThenJobs()
	s.When(refusal).ThenNothing()
}

func TestAPickUpOrACancellationByTheCarrierAnswersAttention(t *testing.T) {
	given(t, pastAttention...).When(take(saysGone)).Then(facts(shipped, shipment.CancellationRefused{})...).ThenJobs()
	given(t, pastAttention...).When(take(saysNot)).Then(facts(shipment.Cancelled{})...).ThenJobs()
}
