package contracts

import "time"

// OrderShipped says that the carrier has the parcel.
type OrderShipped struct {
	Carrier        string    `json:"carrier"`
	TrackingNumber string    `json:"trackingNumber"`
	PickedUpAt     time.Time `json:"pickedUpAt"`
}

// ShippingFailed says that the order cannot be shipped, and that nothing was.
type ShippingFailed struct {
	// Code is the carrier's machine-readable reason: "address_not_served", …
	Code string `json:"code"`
}

// ShipmentCancelled says that nothing was shipped, and that nothing will be.
type ShipmentCancelled struct{}

// CancellationRefused says that a cancellation came too late: the parcel is gone.
type CancellationRefused struct{}

// ShipmentAttentionRequired says that the carrier refused a cancellation without having the parcel, or answered it
// with what cannot be about this parcel, so that a person must look.
type ShipmentAttentionRequired struct {
	// Operation is "cancel": a booking that is refused ends the order by itself.
	Operation string `json:"operation"`
	// Code is the carrier's machine-readable reason, or "contradiction".
	Code string `json:"code"`
}

// ShipmentDelivered says that the customer has the parcel.
type ShipmentDelivered struct {
	DeliveredAt time.Time `json:"deliveredAt"`
}

func (OrderShipped) Type() Type        { return "commerce.shipping.order-shipped.v1" }
func (ShippingFailed) Type() Type      { return "commerce.shipping.shipping-failed.v1" }
func (ShipmentCancelled) Type() Type   { return "commerce.shipping.shipment-cancelled.v1" }
func (CancellationRefused) Type() Type { return "commerce.shipping.cancellation-refused.v1" }
func (ShipmentAttentionRequired) Type() Type {
	return "commerce.shipping.shipment-attention-required.v1"
}
func (ShipmentDelivered) Type() Type { return "commerce.shipping.shipment-delivered.v1" }

func (OrderShipped) integrationEvent()              {}
func (ShippingFailed) integrationEvent()            {}
func (ShipmentCancelled) integrationEvent()         {}
func (CancellationRefused) integrationEvent()       {}
func (ShipmentAttentionRequired) integrationEvent() {}
func (ShipmentDelivered) integrationEvent()         {}
