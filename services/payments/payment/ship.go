package payment

import (
	"time"

	"waybill.dev/platform/es"
)

// Ship notes that the parcel has gone: the money is taken.
func Ship(id es.StreamID, at time.Time) es.Command {
	return es.On(Category, id, func(p Payment) ([]Fact, []es.Job, error) {
		if p.Shipped {
			return nil, nil, nil
		}
		return follow(id, p, at, ShipmentHeard{})
	})
}
