package shipment_test

import (
	"testing"

	"waybill.dev/services/shipping/shipment"
)

func TestAfterAResolutionNothingIsStarted(t *testing.T) {
	s := given(t, orderHeard)
	s.When(whenResolved).Then(facts(resolved)...).ThenJobs()
	s.When(whenResolved).ThenNothing()
	s.When(whenReserved).Then(facts(stockHeard)...).ThenJobs()
	s.When(whenCancel).Then(facts(cancelHeard)...).ThenJobs()
}

func TestABookedParcelOfAResolvedOrderStaysBooked(t *testing.T) {
	s := given(t, append(pastBooked[:4:4], resolved)...)
	s.When(whenCancel).Then(facts(cancelHeard)...).ThenJobs()
	s.When(take(saysGone)).Then(facts(shipped)...).ThenJobs()
	s.When(shipment.Retry(tenant, order)).ThenRefused("conflict")
}

func TestAResolutionCountsOnceAndHasAKnownOutcome(t *testing.T) {
	given(t, append(pastBooked[:4:4], resolved)...).When(shipment.HearResolution(tenant, order, "completed")).ThenNothing()
	for _, outcome := range []string{"", "Cancelled", "lost"} {
		given(t, pastBooked...).When(shipment.HearResolution(tenant, order, outcome)).ThenRefused("invalid")
	}
}

func TestWhatWasInFlightAtAResolutionIsNotedAndNothingFollows(t *testing.T) {
	s := given(t, append(pastBooking[:3:3], cancelHeard)...).Commands(whenResolved)
	s.When(take(saysBooked)).Then(facts(booked)...).ThenJobs()
	s.When(take(saysGone)).Then(facts(shipped)...).ThenJobs()

	given(t, append(pastCancelling[:6:6], resolved)...).When(take(saysNot)).Then(facts(shipment.Cancelled{})...).ThenJobs()
	given(t, append(pastCancelling[:6:6], resolved)...).
		When(shipment.RefuseCancel(tenant, order, 0, "cancellation_refused")).Then(facts(kept)...).ThenJobs()
}
