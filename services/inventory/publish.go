package inventory

import (
	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
)

// Publish says what the other services hear of a fact. It is the only translation from facts to integration events.
func Publish(r es.Recorded) []contracts.Event {
	fact, ok := r.Event.(stock.ReservationEvent)
	if !ok {
		return nil // stocks and receipts are nobody else's business
	}
	switch e := fact.(type) {
	case stock.ReservationMade:
		return []contracts.Event{contracts.StockReserved{}}
	case stock.ReservationFailed:
		failed := contracts.StockReservationFailed{}
		for _, s := range e.Shortages {
			failed.Shortages = append(failed.Shortages, contracts.Shortage{SKU: s.SKU, Wanted: s.Wanted, Available: s.Available})
		}
		return []contracts.Event{failed}
	case stock.ReservationReleased:
		switch e.Cause {
		case stock.CauseShipmentCancelled, stock.CauseShippingFailed:
			return []contracts.Event{contracts.StockReleased{}}
		case stock.CauseOrderResolved, stock.CauseOrderShipped:
		}
	case stock.OrderHeard, stock.PaymentHeard, stock.ShipmentHeard, stock.ShipmentCancellationHeard,
		stock.ShippingFailureHeard, stock.ResolutionHeard, stock.ReservationShipped:
	}
	return nil
}
