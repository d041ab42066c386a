package stock

import "waybill.dev/platform/es"

// Reservation is what was heard of one order and what came of it.
type Reservation struct {
	// Lines are the order's, and nil before order-placed was heard. No SKU is in two of them.
	Lines []Line `json:"lines,omitempty"`

	Ordered           bool    `json:"ordered,omitempty"`
	Paid              bool    `json:"paid,omitempty"`
	OrderShipped      bool    `json:"orderShipped,omitempty"`
	ShipmentCancelled bool    `json:"shipmentCancelled,omitempty"`
	ShippingFailed    bool    `json:"shippingFailed,omitempty"`
	Resolved          Outcome `json:"resolved,omitempty"`

	Reached   Status     `json:"reached,omitempty"`
	Shortages []Shortage `json:"shortages,omitempty"`
}

// Line is how many of a SKU the order wants.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

// Shortage is a SKU of which there was less available than the order wants.
type Shortage struct {
	SKU       string `json:"sku"`
	Wanted    int64  `json:"wanted"`
	Available int64  `json:"available"`
}

// Status is how far a reservation has come. The last three are ends: nothing follows upon them.
type Status string

const (
	StatusWaiting  Status = "waiting"
	StatusReserved Status = "reserved"
	StatusFailed   Status = "failed"
	StatusReleased Status = "released"
	StatusShipped  Status = "shipped"
)

// Outcome is how an operator settled an order by hand; empty where none did.
type Outcome string

const (
	OutcomeCompleted Outcome = "completed"
	OutcomeCancelled Outcome = "cancelled"
)

// Cause is why a reservation was released.
type Cause string

const (
	CauseShipmentCancelled Cause = "shipment-cancelled"
	CauseShippingFailed    Cause = "shipping-failed"
	// CauseOrderResolved and CauseOrderShipped end a reservation without a word to the other services: upon
	// stock-released the money would go back, but an operator has settled it already, or the parcel is gone.
	CauseOrderResolved Cause = "order-resolved"
	CauseOrderShipped  Cause = "order-shipped"
)

// Status is how far the reservation has come.
func (r Reservation) Status() Status {
	if r.Reached == "" {
		return StatusWaiting
	}
	return r.Reached
}

// Ended says that nothing is reserved any more, and that nothing will be.
func (r Reservation) Ended() bool {
	return r.Reached == StatusFailed || r.Reached == StatusReleased || r.Reached == StatusShipped
}

// Reservations is the category of reservations; a stream's id is the order's.
var Reservations = es.Category[Reservation, ReservationEvent]{
	Name: "reservation",
	Kinds: []es.Kind{
		es.KindOf[OrderHeard](), es.KindOf[PaymentHeard](), es.KindOf[ShipmentHeard](),
		es.KindOf[ShipmentCancellationHeard](), es.KindOf[ShippingFailureHeard](), es.KindOf[ResolutionHeard](),
		es.KindOf[ReservationMade](), es.KindOf[ReservationFailed](), es.KindOf[ReservationReleased](),
		es.KindOf[ReservationShipped](),
	},
	Evolve:   evolveReservation,
	Revision: 1,
}

func evolveReservation(r Reservation, e ReservationEvent) Reservation {
	switch e := e.(type) {
	case OrderHeard:
		r.Ordered, r.Lines = true, e.Lines
	case PaymentHeard:
		r.Paid = true
	case ShipmentHeard:
		r.OrderShipped = true
	case ShipmentCancellationHeard:
		r.ShipmentCancelled = true
	case ShippingFailureHeard:
		r.ShippingFailed = true
	case ResolutionHeard:
		r.Resolved = e.Outcome
	case ReservationMade:
		r.Reached = StatusReserved
	case ReservationFailed:
		r.Reached, r.Shortages = StatusFailed, e.Shortages
	case ReservationReleased:
		r.Reached = StatusReleased
	case ReservationShipped:
		r.Reached = StatusShipped
	}
	return r
}

// heard says whether the fact that a message would be noted by is in the stream already.
func (r Reservation) heard(e ReservationEvent) bool {
	switch e.(type) {
	case OrderHeard:
		return r.Ordered
	case PaymentHeard:
		return r.Paid
	case ShipmentHeard:
		return r.OrderShipped
	case ShipmentCancellationHeard:
		return r.ShipmentCancelled
	case ShippingFailureHeard:
		return r.ShippingFailed
	case ResolutionHeard:
		return r.Resolved != ""
	case ReservationMade, ReservationFailed, ReservationReleased, ReservationShipped:
	}
	return false
}
