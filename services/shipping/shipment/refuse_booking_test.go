package shipment_test

import (
	"testing"

	"waybill.dev/platform/es"
	"waybill.dev/services/shipping/shipment"
)

func TestARefusedBookingIsTheEnd(t *testing.T) {
	s := given(t, pastBooking...)
	refusal := shipment.RefuseBooking(tenant, order, 0, "address_not_served")
	s.When(refusal).Then(facts(notServed)...).ThenJobs()
	s.When(refusal).ThenNothing() // told twice
	s.When(whenCancel).Then(facts(cancelHeard)...).ThenJobs()
	s.When(shipment.Retry(tenant, order)).ThenRefused(es.Conflict)
}

func TestARefusedBookingNeedsACode(t *testing.T) {
	given(t, pastBooking...).When(shipment.RefuseBooking(tenant, order, 0, "")).ThenRefused(es.Invalid)
}

func TestARefusalThatNobodyWaitsForIsNothing(t *testing.T) {
	given(t, pastBooked...).When(shipment.RefuseBooking(tenant, order, 0, "late")).ThenNothing()
	given(t).When(shipment.RefuseBooking(tenant, order, 0, "early")).ThenNothing()
}

func TestACancellationDuringARefusedBookingFollowsNothing(t *testing.T) {
	given(t, append(pastBooking[:3:3], cancelHeard)...).
		When(shipment.RefuseBooking(tenant, order, 0, "address_not_served")).Then(facts(notServed)...).ThenJobs()
}
