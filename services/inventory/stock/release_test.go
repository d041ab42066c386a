package stock_test

import (
	"strings"
	"testing"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	"waybill.dev/services/inventory/stock"
)

// reserved is an order whose two lines are reserved; nothing else is on the shelves.
func reserved(t *testing.T) *estest.Scenario {
	t.Helper()
	return given(t).Facts(onShelf("mug", 2), onShelf("cup", 3)).
		Commands(told(t, placed(twoLines...)), told(t, contracts.PaymentAuthorized{}))
}

func TestReleaseGivesBackEveryLine(t *testing.T) {
	t.Parallel()
	s := reserved(t)
	s.When(told(t, contracts.ShippingFailed{Code: "address_not_served"})).Then(
		noted(stock.ShippingFailureHeard{}),
		noted(stock.ReservationReleased{Cause: stock.CauseShippingFailed}),
		fact("mug", stock.Released{Order: order, Quantity: 2}),
		fact("cup", stock.Released{Order: order, Quantity: 3}),
	).ThenJobs()
	if got, want := level(t, s.Log(), "mug"), (stock.Stock{OnHand: 2}); got != want {
		t.Fatalf("stock is %+v, want %+v", got, want)
	}
}

func TestReleaseBeforeAnythingWasReservedTouchesNoShelf(t *testing.T) {
	t.Parallel()
	given(t).Facts(onShelf("mug", 2), onShelf("cup", 3)).Commands(told(t, placed(twoLines...))).
		When(told(t, contracts.ShipmentCancelled{})).Then(
		noted(stock.ShipmentCancellationHeard{}),
		noted(stock.ReservationReleased{Cause: stock.CauseShipmentCancelled}),
	)
}

func TestReleaseOfAResolvedOrderIsItsEnd(t *testing.T) {
	t.Parallel()
	reserved(t).When(told(t, contracts.OrderResolved{Outcome: "cancelled", ResolvedBy: "ops", Reason: "lost"})).Then(
		noted(stock.ResolutionHeard{Outcome: stock.OutcomeCancelled}),
		noted(stock.ReservationReleased{Cause: stock.CauseOrderResolved}),
		fact("mug", stock.Released{Order: order, Quantity: 2}),
		fact("cup", stock.Released{Order: order, Quantity: 3}),
	)
}

func TestResolutionThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	reserved(t).When(told(t, contracts.OrderResolved{Outcome: "perhaps"})).ThenRefused(es.Invalid)
}

// A log in which a reservation has nothing on its shelf is broken. No fact may make it worse.
func TestBrokenShelfIsABugAndNoFact(t *testing.T) {
	t.Parallel()
	for _, e := range []contracts.Event{contracts.ShippingFailed{}, contracts.OrderShipped{}} {
		s := reserved(t).Facts(fact("cup", stock.Released{Order: "another", Quantity: 1}))
		before := len(s.Log().Facts)
		_, err := s.Log().Run(told(t, e))
		if err == nil || !strings.Contains(err.Error(), "cup: 2 reserved") {
			t.Fatalf("%T: want an error that names the shelf, got %v", e, err)
		}
		if len(s.Log().Facts) != before {
			t.Fatalf("%T: facts were added: %v", e, s.Log().Facts[before:])
		}
	}
}
