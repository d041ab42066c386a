package client

import (
	"context"
	"net/url"
	"time"

	"waybill.dev/cmd/waybill/suite"
)

// Shipment is the parcel of an order.
type Shipment struct {
	OrderID        string  `json:"orderId"`
	Status         string  `json:"status"`
	Carrier        string  `json:"carrier"`
	TrackingNumber string  `json:"trackingNumber"`
	Attention      string  `json:"attention"`
	Timeline       []Event `json:"timeline"`
}

// Event is something that happened to a parcel.
type Event struct {
	What string    `json:"what"`
	At   time.Time `json:"at"`
}

// Shipment shows the parcel of an order.
func (c *Client) Shipment(ctx context.Context, order string) (Shipment, error) {
	var shipment Shipment
	err := c.Get(ctx, suite.Shipping, "/v1/shipments/"+url.PathEscape(order), nil, &shipment)
	return shipment, err
}

// RetryShipment tries again what the carrier has refused.
func (c *Client) RetryShipment(ctx context.Context, order string) (Shipment, error) {
	var shipment Shipment
	err := c.Post(ctx, suite.Shipping, "/v1/shipments/"+url.PathEscape(order)+"/retry", nil, &shipment)
	return shipment, err
}
