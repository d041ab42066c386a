package audit_test

import (
	"testing"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/services/inventory/stock"
)

func TestAShelf(t *testing.T) {
	t.Parallel()
	type facts = []stock.Event
	received := stock.Received{Quantity: 5, Reference: "R"}
	reserved, released, shipped := stock.Reserved{Order: id, Quantity: 2}, stock.Released{Order: id, Quantity: 2}, stock.Shipped{Order: id, Quantity: 2}
	for _, tc := range []struct {
		name  string
		given facts
		holds map[string]int64
		then  []audit.Statement
	}{
		{"nothing", nil, nil, nil},
		{"reserved", facts{received, reserved}, map[string]int64{id: 2}, nil},
		{"shipped", facts{received, reserved, shipped}, nil, nil},
		{"released and reserved again", facts{received, reserved, released, reserved}, map[string]int64{id: 2}, nil},
		{"more than there is", facts{received, stock.Reserved{Order: id, Quantity: 6}}, map[string]int64{id: 6}, []audit.Statement{audit.StockEnds}},
		{"less than nothing", facts{received, stock.Adjusted{Quantity: -6}}, nil, []audit.Statement{audit.StockEnds}},
		{"released twice", facts{received, reserved, released, released}, nil, []audit.Statement{audit.StockEnds, audit.StockEnds, audit.StockEnds}},
		{"released for another quantity", facts{received, reserved, stock.Released{Order: id, Quantity: 1}}, nil, []audit.Statement{audit.StockEnds, audit.StockEnds}},
		{"reserved twice", facts{received, reserved, reserved}, map[string]int64{id: 4}, []audit.Statement{audit.StockEnds}},
		{"reserved for nobody", facts{received, reserved}, nil, []audit.Statement{audit.StockEnds}},
		{"believed to be reserved", facts{received}, map[string]int64{id: 2}, []audit.Statement{audit.StockEnds}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			shelf := audit.NewShelf(tenant, "MUG")
			for _, f := range recorded("stock", stock.Stocks.Stream(tenant, "MUG"), tc.given...) {
				shelf.Add(f)
			}
			findings := shelf.Check(tc.holds)
			if len(findings) != len(tc.then) {
				t.Fatalf("found %v, want %v", findings, tc.then)
			}
			for i, f := range findings {
				if f.Statement != tc.then[i] || f.Subject != "MUG" {
					t.Errorf("found %v, want %v", f, tc.then[i])
				}
			}
		})
	}
}

func TestAShelfsRow(t *testing.T) {
	t.Parallel()
	empty, shelf := audit.NewShelf(tenant, "MUG"), audit.NewShelf(tenant, "MUG")
	for _, f := range recorded[stock.Event]("stock", stock.Stocks.Stream(tenant, "MUG"), stock.Received{Quantity: 5}, stock.Adjusted{Quantity: -1}) {
		shelf.Add(f)
	}
	for _, tc := range []struct {
		shelf *audit.Shelf
		row   *stock.Stock
		found int
	}{
		{empty, nil, 0}, {empty, &stock.Stock{}, 1}, {shelf, nil, 1}, {shelf, &stock.Stock{OnHand: 5}, 1}, {shelf, &stock.Stock{OnHand: 4}, 0},
	} {
		if got := tc.shelf.CheckRow(tc.row); len(got) != tc.found {
			t.Errorf("row %+v: %v", tc.row, got)
		}
	}
}

// What is reserved by an order is what its shelves are held against.
func TestHolds(t *testing.T) {
	t.Parallel()
	if got := underWay().Judge().Holds; len(got) != 1 || got["MUG"] != 2 {
		t.Errorf("an order under way holds %v", got)
	}
	if got := completed().Judge().Holds; len(got) != 0 {
		t.Errorf("a completed order holds %v", got)
	}
}
