package shipment_test

import "testing"

func TestBookingWaitsForAddressAndStock(t *testing.T) {
	given(t).When(whenPlaced).Then(facts(orderHeard)...).ThenJobs()
	given(t).When(whenReserved).Then(facts(stockHeard)...).ThenJobs()
}

func TestAddressAndStockInEitherOrderAskForABooking(t *testing.T) {
	given(t, orderHeard).When(whenReserved).Then(facts(stockHeard, bookAsked)...).ThenJobs(bookJob)
	given(t, stockHeard).When(whenPlaced).Then(facts(orderHeard, bookAsked)...).ThenJobs(bookJob)
}

func TestHeardAgainIsNothing(t *testing.T) {
	given(t, pastBooking...).When(whenPlaced).ThenNothing()
	given(t, pastBooking...).When(whenReserved).ThenNothing()
	given(t, pastShipped...).When(whenReserved).ThenNothing()
}

func TestAfterATombstoneNothingIsBooked(t *testing.T) {
	s := given(t).Commands(whenCancel)
	s.When(whenPlaced).Then(facts(orderHeard)...).ThenJobs()
	s.When(whenReserved).Then(facts(stockHeard)...).ThenJobs()
}
