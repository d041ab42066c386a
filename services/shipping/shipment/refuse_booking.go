package shipment

import "waybill.dev/platform/es"

// RefuseBooking takes the carrier's refusal of the booking, for good: the order cannot be shipped.
func RefuseBooking(tenant, order string, number int, code string) es.Command {
	return on(tenant, order, func(s Shipment) ([]Event, error) {
		if !s.IsAsking(Attempt{Operation: Book, Number: number}) {
			return nil, nil // another answer came first
		}
		if code == "" {
			return nil, es.Refuse(es.Invalid, "a refused booking needs a code")
		}
		return []Event{BookingRefused{Code: code}}, nil
	})
}
