package audit

import (
	"maps"

	"waybill.dev/services/inventory/stock"
)

// checkLines: what is reserved for an order is what was ordered, and what was short of it was short.
func (a *account) checkLines() {
	if a.order.Placed == nil {
		return
	}
	ordered, wanted := map[string]int64{}, map[string]int64{}
	for _, l := range a.order.Placed.Lines {
		ordered[l.SKU] += l.Quantity
	}
	for _, l := range a.reservation.Lines {
		wanted[l.SKU] += l.Quantity
	}
	if a.reservation.Ordered && !maps.Equal(wanted, ordered) {
		a.find(StockEnds, "%v is ordered, and its reservation is of %v", ordered, wanted)
	}
	for _, f := range a.Reservation {
		failed, ok := f.Event.(stock.ReservationFailed)
		if ok && len(failed.Shortages) == 0 {
			a.find(StockEnds, "its reservation failed for no shortage")
		}
		for _, s := range failed.Shortages {
			if s.Wanted != ordered[s.SKU] || s.Available >= s.Wanted {
				a.find(StockEnds, "%d of %s are ordered, and %d are said to be too few for %d", ordered[s.SKU], s.SKU, s.Available, s.Wanted)
			}
		}
	}
}
