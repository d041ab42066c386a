package shipment

import "waybill.dev/platform/es"

// HearOrder notes the order's address and lines. With the stock reserved, the carrier is asked to book.
func HearOrder(tenant, order string, address Address, lines []Line) es.Command {
	return on(tenant, order, func(s Shipment) ([]Event, error) {
		return note(s.OrderHeard, OrderHeard{Address: address, Lines: lines})
	})
}

// HearStockReserved notes that the stock is reserved. With the address known, the carrier is asked to book.
func HearStockReserved(tenant, order string) es.Command {
	return on(tenant, order, func(s Shipment) ([]Event, error) {
		return note(s.StockReserved, StockReservedHeard{})
	})
}
