package stock_test

import (
	"testing"

	"waybill.dev/contracts"
	"waybill.dev/services/inventory/stock"
)

func TestShipTakesEveryLineOffTheShelf(t *testing.T) {
	t.Parallel()
	s := reserved(t).Facts(onShelf("mug", 5))
	s.When(told(t, contracts.OrderShipped{Carrier: "carrier", TrackingNumber: "T1"})).Then(
		noted(stock.ShipmentHeard{}),
		noted(stock.ReservationShipped{}),
		fact("mug", stock.Shipped{Order: order, Quantity: 2}),
		fact("cup", stock.Shipped{Order: order, Quantity: 3}),
	).ThenJobs()
	if got, want := level(t, s.Log(), "mug"), (stock.Stock{OnHand: 5}); got != want {
		t.Fatalf("stock is %+v, want %+v", got, want)
	}
}

func TestShipOfAnOrderSettledAsCompleted(t *testing.T) {
	t.Parallel()
	s := reserved(t)
	s.When(told(t, contracts.OrderResolved{Outcome: "completed"})).Then(
		noted(stock.ResolutionHeard{Outcome: stock.OutcomeCompleted}),
		noted(stock.ReservationShipped{}),
		fact("mug", stock.Shipped{Order: order, Quantity: 2}),
		fact("cup", stock.Shipped{Order: order, Quantity: 3}),
	)
	s.When(told(t, contracts.OrderShipped{})).Then(noted(stock.ShipmentHeard{}))
}

// A parcel that went without a reservation: nothing leaves a shelf for it, then or later.
func TestShipWithoutAReservation(t *testing.T) {
	t.Parallel()
	s := given(t).Facts(onShelf("mug", 2), onShelf("cup", 3)).Commands(told(t, contracts.PaymentAuthorized{}))
	s.When(told(t, contracts.OrderShipped{})).Then(
		noted(stock.ShipmentHeard{}), noted(stock.ReservationReleased{Cause: stock.CauseOrderShipped}))
	s.When(told(t, placed(twoLines...))).Then(noted(stock.OrderHeard{Lines: twoLines}))
}
