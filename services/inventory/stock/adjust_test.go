package stock_test

import (
	"testing"

	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
)

func adjust(quantity int64) es.Command {
	return stock.Adjust{Tenant: tenant, SKU: "mug", Quantity: quantity, Reason: "count"}.Command()
}

func adjusted(quantity int64) es.Fact {
	return fact("mug", stock.Adjusted{Quantity: quantity, Reason: "count"})
}

func TestAdjustCorrectsTheCountBothWays(t *testing.T) {
	t.Parallel()
	s := given(t).Facts(onShelf("mug", 10))
	s.When(adjust(3)).Then(adjusted(3)).ThenJobs()
	s.When(adjust(-13)).Then(adjusted(-13))
	if got := level(t, s.Log(), "mug"); got != (stock.Stock{}) {
		t.Fatalf("stock is %+v, want none", got)
	}
	s.When(adjust(1)).Then(adjusted(1)) // an empty shelf is a known one
}

func TestAdjustLeavesWhatIsReserved(t *testing.T) {
	t.Parallel()
	s := given(t).Facts(onShelf("mug", 10), fact("mug", stock.Reserved{Order: order, Quantity: 4}))
	s.When(adjust(-7)).ThenRefused(es.Conflict)
	s.When(adjust(-6)).Then(adjusted(-6))
	s.When(adjust(-1)).ThenRefused(es.Conflict)
}

func TestAdjustRefusesQuantitiesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for _, quantity := range []int64{0, stock.MaxQuantity + 1, -stock.MaxQuantity - 1, 1<<63 - 1, -1 << 63} {
		given(t).Facts(onShelf("mug", 10)).When(adjust(quantity)).ThenRefused(es.Invalid)
	}
}

func TestAdjustStopsAtTheMostThatMayBeOnHand(t *testing.T) {
	t.Parallel()
	s := given(t).Facts(onShelf("mug", stock.MaxOnHand-1))
	s.When(adjust(2)).ThenRefused(es.Conflict)
	s.When(adjust(1)).Then(adjusted(1))
}

func TestAdjustKnowsOnlyWhatWasEverReceived(t *testing.T) {
	t.Parallel()
	given(t).When(adjust(5)).ThenRefused(es.NotFound)
}
