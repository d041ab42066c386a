package audit

import "waybill.dev/services/inventory/stock"

// checkReservation: an order's reservation is made once at most, and ends once, shipped with the parcel or not.
func (a *account) checkReservation() {
	made, ended := 0, 0
	for _, f := range a.Reservation {
		switch e := f.Event.(type) {
		case stock.ReservationMade:
			if made++; ended > 0 {
				a.find(StockEnds, "stock is reserved for it after its reservation has ended")
			}
		case stock.ReservationReleased:
			if ended++; e.Cause == stock.CauseOrderShipped {
				a.find(StockEnds, "the parcel went without a reservation")
			}
		case stock.ReservationFailed, stock.ReservationShipped:
			ended++
		}
	}
	if made > 1 || ended > 1 {
		a.find(StockEnds, "stock was reserved for it %d times, and the reservation ended %d times", made, ended)
	}
	if !a.atRest() {
		return
	}
	status := a.reservation.Status()
	if status == stock.StatusReserved && (a.order.Ended() || !a.may(aReservation)) {
		a.find(StockEnds, "it is %s with attention %q, and stock is still reserved", a.order.Status(), a.order.Attention())
	}
	if shipped := status == stock.StatusShipped; shipped != a.gone() && !a.byHand() && status != stock.StatusReserved {
		a.find(StockEnds, "its stock is %s, and the parcel is gone: %v", status, a.gone())
	}
}
