package world

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
)

// shelves are the stocks of a world: a SKU for every two hundred orders, and each tenant has all of them.
type shelves struct {
	skus   []string
	stocks map[es.StreamID]*shelf
}

type shelf struct {
	stock   stock.Stock
	version int64
	// snapshot is the last that the log would have made.
	snapshot []byte
	at       int64
}

const ordersPerSKU = 200

func newShelves(orders int) *shelves {
	s := &shelves{stocks: map[es.StreamID]*shelf{}}
	for i := range max(shelvesPerOrder*3, orders/ordersPerSKU) {
		s.skus = append(s.skus, fmt.Sprintf("ARTICLE-%05d", i))
	}
	return s
}

// sku is one of the SKUs; numbers in a row are different ones.
func (s *shelves) sku(number int) string { return s.skus[number%len(s.skus)] }

// note folds a fact into a shelf and returns its version.
func (s *shelves) note(tenant, sku string, e stock.Event) int64 {
	shelf := s.stocks[stock.Stocks.Stream(tenant, sku)]
	shelf.stock = stock.Stocks.Evolve(shelf.stock, e)
	shelf.version++
	if shelf.version%stock.Stocks.SnapshotEvery == 0 {
		shelf.snapshot, _ = json.Marshal(shelf.stock) // two numbers
		shelf.at = shelf.version
	}
	return shelf.version
}

// receipts fill every shelf.
func (s *shelves) receipts() map[string][]byte {
	rows, at := map[string][]byte{}, stamp(now().AddDate(0, 0, -1))
	add := func(table string, fields ...string) {
		rows[table] = append(append(rows[table], copyLine(fields...)...), '\n')
	}
	for _, tenant := range []string{Plain, AtOnce} {
		for _, sku := range s.skus {
			id := stock.Stocks.Stream(tenant, sku)
			s.stocks[id] = &shelf{}
			c := stock.Receive{Tenant: tenant, SKU: sku, Quantity: stock.MaxQuantity, Reference: "delivery"}.Command()
			states := es.NewStates()
			states.Empty(c.Streams[0], stock.Receipts)
			states.Empty(c.Streams[1], stock.Stocks)
			d, err := es.Decide(c, states)
			if err != nil {
				panic(err) // an empty shelf takes a delivery
			}
			request := uuid.NewString()
			for _, f := range d.Facts {
				version := int64(1)
				if e, ok := f.Event.(stock.Event); ok {
					version = s.note(tenant, sku, e)
				}
				data, err := json.Marshal(f.Event)
				if err != nil {
					panic(err) // numbers and a reference
				}
				fact := uuid.Must(uuid.NewV7()).String()
				add("inventory.events", f.Stream.String(), fmt.Sprint(version), fact, f.Event.Kind(), string(data), at, request, request, "")
				add("inventory.streams", f.Stream.String(), tenant, f.Stream.Category, f.Stream.ID, at)
			}
		}
	}
	return rows
}

// levels are the read model of all shelves at last, and the snapshots.
func (s *shelves) levels() map[string][]byte {
	rows := map[string][]byte{}
	add := func(table string, fields ...string) {
		rows[table] = append(append(rows[table], copyLine(fields...)...), '\n')
	}
	for id, shelf := range s.stocks {
		add("inventory.stock_levels", id.Tenant, id.ID, fmt.Sprint(shelf.stock.OnHand), fmt.Sprint(shelf.stock.Reserved))
		if shelf.at > 0 {
			add("inventory.snapshots", id.String(), fmt.Sprint(shelf.at), fmt.Sprint(stock.Stocks.Revision), string(shelf.snapshot))
		}
	}
	return rows
}
