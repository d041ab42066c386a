package payment

import (
	"time"

	"waybill.dev/platform/es"
)

// TurnBack notes that the order cannot go on: the hold is voided, or the money goes back.
func TurnBack(id es.StreamID, cause Cause, at time.Time) es.Command {
	return es.On(Category, id, func(p Payment) ([]Fact, []es.Job, error) {
		if cause == StockReleased && p.StockReleased || cause == StockReservationFailed && p.ReservationFailed {
			return nil, nil, nil
		}
		return follow(id, p, at, WayBackHeard{Cause: cause})
	})
}
