package stock_test

import (
	"testing"

	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
)

func receive(quantity int64, reference string) es.Command {
	return stock.Receive{Tenant: tenant, SKU: "mug", Quantity: quantity, Reference: reference}.Command()
}

func counted(reference string, quantity int64) es.Fact {
	return es.Fact{Stream: stock.Receipts.Stream(tenant, "mug/"+reference), Event: stock.Counted{Quantity: quantity}}
}

func TestReceiveAddsToTheStock(t *testing.T) {
	t.Parallel()
	s := given(t)
	s.When(receive(5, "PO-1")).Then(counted("PO-1", 5), fact("mug", stock.Received{Quantity: 5, Reference: "PO-1"})).ThenJobs()
	s.When(receive(7, "PO-2")).Then(counted("PO-2", 7), fact("mug", stock.Received{Quantity: 7, Reference: "PO-2"}))
	if got, want := level(t, s.Log(), "mug"), (stock.Stock{OnHand: 12}); got != want {
		t.Fatalf("stock is %+v, want %+v", got, want)
	}
}

func TestReceiveCountsAReferenceOnce(t *testing.T) {
	t.Parallel()
	s := given(t).Commands(receive(5, "PO-1"), receive(7, "PO-2"))
	s.When(receive(5, "PO-1")).ThenNothing()
	s.When(receive(6, "PO-1")).ThenRefused(es.Conflict)
}

func TestReceiveKeepsReferencesOfSKUsApart(t *testing.T) {
	t.Parallel()
	other := stock.Receive{Tenant: tenant, SKU: "cup", Quantity: 9, Reference: "PO-1"}.Command()
	given(t).Commands(other).When(receive(5, "PO-1")).
		Then(counted("PO-1", 5), fact("mug", stock.Received{Quantity: 5, Reference: "PO-1"}))
}

func TestReceiveRefusesQuantitiesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for _, quantity := range []int64{0, -1, stock.MaxQuantity + 1, 1<<63 - 1, -1 << 63} {
		given(t).When(receive(quantity, "PO-1")).ThenRefused(es.Invalid)
	}
}

func TestReceiveStopsAtTheMostThatMayBeOnHand(t *testing.T) {
	t.Parallel()
	full := given(t).Facts(onShelf("mug", stock.MaxOnHand-5))
	full.When(receive(6, "PO-1")).ThenRefused(es.Conflict)
	full.When(receive(5, "PO-1")).Then(counted("PO-1", 5), fact("mug", stock.Received{Quantity: 5, Reference: "PO-1"}))
}
