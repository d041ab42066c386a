package shipment

import "waybill.dev/platform/es"

// HearCancellation notes that the order is to be stopped. It is refused once the parcel is gone, answered at once
// where the carrier was never asked, and else waits for the carrier: for a booking under way, and then for the
// cancellation of it.
func HearCancellation(tenant, order string) es.Command {
	return on(tenant, order, func(s Shipment) ([]Event, error) {
		return note(s.CancellationHeard, CancellationHeard{})
	})
}

// RefuseCancel takes the carrier's refusal of the cancellation with this number, for good and without having the
// parcel: a person must look.
func RefuseCancel(tenant, order string, number int, code string) es.Command {
	return on(tenant, order, func(s Shipment) ([]Event, error) {
		if !s.IsAsking(Attempt{Operation: Cancel, Number: number}) {
			return nil, nil // another answer came first
		}
		return []Event{CarrierRefusedCancel{Number: number, Code: code}}, nil
	})
}
