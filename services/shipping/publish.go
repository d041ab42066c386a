package shipping

import (
	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/shipping/shipment"
)

// Publish says to the other services what a fact of a shipment means to them: nothing, or one event.
func Publish(r es.Recorded) []contracts.Event {
	fact, ok := r.Event.(shipment.Event)
	if !ok {
		return nil
	}
	switch e := fact.(type) {
	case shipment.PickedUp:
		return say(contracts.OrderShipped{Carrier: e.Carrier, TrackingNumber: e.TrackingNumber, PickedUpAt: e.At})
	case shipment.BookingRefused:
		return say(contracts.ShippingFailed{Code: e.Code})
	case shipment.Cancelled:
		return say(contracts.ShipmentCancelled{})
	case shipment.CancellationRefused:
		return say(contracts.CancellationRefused{})
	case shipment.CarrierRefusedCancel:
		return say(contracts.ShipmentAttentionRequired{Operation: string(shipment.Cancel), Code: e.Code})
	case shipment.Delivered:
		return say(contracts.ShipmentDelivered{DeliveredAt: e.At})
	case shipment.OrderHeard, shipment.StockReservedHeard, shipment.CancellationHeard, shipment.ResolutionHeard,
		shipment.Attempted, shipment.Booked, shipment.RetryRequested:
		return nil // shipping's own affair
	}
	return nil
}

func say(e contracts.Event) []contracts.Event { return []contracts.Event{e} }
