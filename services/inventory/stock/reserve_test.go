package stock_test

import (
	"testing"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
)

var twoLines = []stock.Line{{SKU: "mug", Quantity: 2}, {SKU: "cup", Quantity: 3}}

func TestReserveTakesEveryLine(t *testing.T) {
	t.Parallel()
	s := given(t).Facts(onShelf("mug", 2), onShelf("cup", 9)).Commands(told(t, placed(twoLines...)))
	s.When(told(t, contracts.PaymentAuthorized{})).Then(
		noted(stock.PaymentHeard{}),
		noted(stock.ReservationMade{}),
		fact("mug", stock.Reserved{Order: order, Quantity: 2}),
		fact("cup", stock.Reserved{Order: order, Quantity: 3}),
	).ThenJobs()
	if got, want := level(t, s.Log(), "cup"), (stock.Stock{OnHand: 9, Reserved: 3}); got != want {
		t.Fatalf("stock is %+v, want %+v", got, want)
	}
}

func TestReserveTakesNoLineWhereOneIsShort(t *testing.T) {
	t.Parallel()
	lines := append(twoLines[:2:2], stock.Line{SKU: "unheard-of", Quantity: 1})
	given(t).
		Facts(onShelf("mug", 100), onShelf("cup", 5), fact("cup", stock.Reserved{Order: "another", Quantity: 3})).
		Commands(told(t, contracts.PaymentAuthorized{})).
		When(told(t, placed(lines...))).Then(
		noted(stock.OrderHeard{Lines: lines}),
		noted(stock.ReservationFailed{Shortages: []stock.Shortage{
			{SKU: "cup", Wanted: 3, Available: 2}, {SKU: "unheard-of", Wanted: 1, Available: 0},
		}}),
	)
}

func TestReserveWantsTheSumOfLinesOfOneSKU(t *testing.T) {
	t.Parallel()
	given(t).Facts(onShelf("mug", 5)).Commands(told(t, contracts.PaymentAuthorized{})).
		When(told(t, placed(stock.Line{SKU: "mug", Quantity: 3}, stock.Line{SKU: "mug", Quantity: 3}))).Then(
		noted(stock.OrderHeard{Lines: []stock.Line{{SKU: "mug", Quantity: 6}}}),
		noted(stock.ReservationFailed{Shortages: []stock.Shortage{{SKU: "mug", Wanted: 6, Available: 5}}}),
	)
}

func TestReserveServesTenantsFromTheirOwnShelves(t *testing.T) {
	t.Parallel()
	theirs := es.Fact{Stream: stock.Stocks.Stream("another", "mug"), Event: stock.Received{Quantity: 50}}
	given(t).Facts(theirs).Commands(told(t, contracts.PaymentAuthorized{})).
		When(told(t, placed(stock.Line{SKU: "mug", Quantity: 1}))).Then(
		noted(stock.OrderHeard{Lines: []stock.Line{{SKU: "mug", Quantity: 1}}}),
		noted(stock.ReservationFailed{Shortages: []stock.Shortage{{SKU: "mug", Wanted: 1}}}),
	)
}

func TestOrderThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]contracts.OrderPlaced{
		"no lines":          placed(),
		"nothing of a SKU":  placed(stock.Line{SKU: "mug", Quantity: 0}),
		"less than nothing": placed(stock.Line{SKU: "mug", Quantity: 1}, stock.Line{SKU: "cup", Quantity: -1}),
		"too much":          placed(stock.Line{SKU: "mug", Quantity: stock.MaxQuantity + 1}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given(t).Facts(onShelf("mug", 5)).Commands(told(t, contracts.PaymentAuthorized{})).
				When(told(t, e)).ThenRefused(es.Invalid)
		})
	}
}
