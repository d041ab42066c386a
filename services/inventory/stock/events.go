package stock

// Event is a fact of a SKU's stock. At every version 0 ≤ reserved ≤ on hand.
//
//sumtype:decl
type Event interface {
	Kind() string
	stockEvent()
}

// Received says that goods came in.
type Received struct {
	Quantity int64 `json:"quantity"`
	// Reference names the delivery: the supplier's or the warehouse's number.
	Reference string `json:"reference"`
}

// Adjusted says that a count was corrected.
type Adjusted struct {
	// Quantity is added to what is on hand; it is negative where there was less than thought.
	Quantity int64  `json:"quantity"`
	Reason   string `json:"reason"`
}

// Reserved says that goods on hand are kept for an order.
type Reserved struct {
	Order    string `json:"order"`
	Quantity int64  `json:"quantity"`
}

// Released says that goods are no longer kept for an order, and are available again.
type Released struct {
	Order    string `json:"order"`
	Quantity int64  `json:"quantity"`
}

// Shipped says that goods kept for an order left the shelf: less is on hand, and less is reserved.
type Shipped struct {
	Order    string `json:"order"`
	Quantity int64  `json:"quantity"`
}

func (Received) Kind() string { return "stock.received" }
func (Adjusted) Kind() string { return "stock.adjusted" }
func (Reserved) Kind() string { return "stock.reserved" }
func (Released) Kind() string { return "stock.released" }
func (Shipped) Kind() string  { return "stock.shipped" }

func (Received) stockEvent() {}
func (Adjusted) stockEvent() {}
func (Reserved) stockEvent() {}
func (Released) stockEvent() {}
func (Shipped) stockEvent()  {}

// ReceiptEvent is a fact of one delivery.
//
//sumtype:decl
type ReceiptEvent interface {
	Kind() string
	receiptEvent()
}

// Counted says that a delivery has been added to the stock.
type Counted struct {
	Quantity int64 `json:"quantity"`
}

func (Counted) Kind() string { return "receipt.counted" }

func (Counted) receiptEvent() {}

// ReservationEvent is a fact of one order's reservation: something heard of the order, or what came of it.
//
//sumtype:decl
type ReservationEvent interface {
	Kind() string
	reservationEvent()
}

// OrderHeard notes order-placed.
type OrderHeard struct {
	Lines []Line `json:"lines"`
}

// PaymentHeard notes payment-authorized.
type PaymentHeard struct{}

// ShipmentHeard notes order-shipped.
type ShipmentHeard struct{}

// ShipmentCancellationHeard notes shipment-cancelled.
type ShipmentCancellationHeard struct{}

// ShippingFailureHeard notes shipping-failed.
type ShippingFailureHeard struct{}

// ResolutionHeard notes order-resolved: an operator has settled the order by hand.
type ResolutionHeard struct {
	Outcome Outcome `json:"outcome"`
}

// ReservationMade says that every line is reserved.
type ReservationMade struct{}

// ReservationFailed says that nothing is reserved, and that nothing will be, because some lines are short.
type ReservationFailed struct {
	Shortages []Shortage `json:"shortages"`
}

// ReservationReleased says that nothing is reserved for the order, and that nothing will be.
type ReservationReleased struct {
	Cause Cause `json:"cause"`
}

// ReservationShipped says that what was reserved has left the shelf.
type ReservationShipped struct{}

func (OrderHeard) Kind() string                { return "reservation.order-heard" }
func (PaymentHeard) Kind() string              { return "reservation.payment-heard" }
func (ShipmentHeard) Kind() string             { return "reservation.shipment-heard" }
func (ShipmentCancellationHeard) Kind() string { return "reservation.shipment-cancellation-heard" }
func (ShippingFailureHeard) Kind() string      { return "reservation.shipping-failure-heard" }
func (ResolutionHeard) Kind() string           { return "reservation.resolution-heard" }
func (ReservationMade) Kind() string           { return "reservation.made" }
func (ReservationFailed) Kind() string         { return "reservation.failed" }
func (ReservationReleased) Kind() string       { return "reservation.released" }
func (ReservationShipped) Kind() string        { return "reservation.shipped" }

func (OrderHeard) reservationEvent()                {}
func (PaymentHeard) reservationEvent()              {}
func (ShipmentHeard) reservationEvent()             {}
func (ShipmentCancellationHeard) reservationEvent() {}
func (ShippingFailureHeard) reservationEvent()      {}
func (ResolutionHeard) reservationEvent()           {}
func (ReservationMade) reservationEvent()           {}
func (ReservationFailed) reservationEvent()         {}
func (ReservationReleased) reservationEvent()       {}
func (ReservationShipped) reservationEvent()        {}
