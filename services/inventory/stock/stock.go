package stock

import "waybill.dev/platform/es"

const (
	// MaxQuantity is the most that one delivery, adjustment or order line may move.
	MaxQuantity = 1_000_000_000
	// MaxOnHand is the most that may be on hand of a SKU. It keeps every sum far from the end of int64, and is
	// exact in the numbers of JavaScript.
	MaxOnHand = 1_000_000_000_000_000
)

// Stock is what there is of a SKU: 0 ≤ Reserved ≤ OnHand ≤ MaxOnHand at every version.
type Stock struct {
	// OnHand counts what stands on the shelf, what is reserved of it included.
	OnHand   int64 `json:"onHand"`
	Reserved int64 `json:"reserved"`
}

// Available is what may still be reserved.
func (s Stock) Available() int64 { return s.OnHand - s.Reserved }

// Stocks is the category of a SKU's stock; a stream's id is the SKU. SKUs that sell have many facts, so their
// states are kept.
var Stocks = es.Category[Stock, Event]{
	Name: "stock",
	Kinds: []es.Kind{
		es.KindOf[Received](), es.KindOf[Adjusted](), es.KindOf[Reserved](), es.KindOf[Released](), es.KindOf[Shipped](),
	},
	Evolve:        evolveStock,
	SnapshotEvery: 100,
	Revision:      1,
}

func evolveStock(s Stock, e Event) Stock {
	switch e := e.(type) {
	case Received:
		s.OnHand += e.Quantity
	case Adjusted:
		s.OnHand += e.Quantity
	case Reserved:
		s.Reserved += e.Quantity
	case Released:
		s.Reserved -= e.Quantity
	case Shipped:
		s.OnHand -= e.Quantity
		s.Reserved -= e.Quantity
	}
	return s
}

// Categories are all sorts of stream of this package, in the order in which they are locked.
func Categories() []es.Erased {
	return []es.Erased{Reservations, Receipts, Stocks}
}
