package shipment

import (
	"time"

	"waybill.dev/platform/es"
)

// Shipment is what is known of one order's parcel.
type Shipment struct {
	// Address and Lines are known once the order was heard.
	Address Address `json:"address"`
	Lines   []Line  `json:"lines,omitempty"`

	OrderHeard        bool `json:"orderHeard"`
	StockReserved     bool `json:"stockReserved"`
	CancellationHeard bool `json:"cancellationHeard"`
	// Resolved says that an operator has settled the order by hand: nothing new is started.
	Resolved bool `json:"resolved"`

	// BookingAsked says that the carrier was asked to book, so that it may tell of this shipment.
	BookingAsked bool `json:"bookingAsked"`
	// Asking is what the carrier was asked and has not answered; its zero value is nothing.
	Asking Attempt `json:"asking"`
	// CancelNumber is the number of the next cancellation to be asked for.
	CancelNumber int `json:"cancelNumber"`

	// Booking is known once the carrier has booked.
	Booking     Booking   `json:"booking"`
	PickedUpAt  time.Time `json:"pickedUpAt"`
	DeliveredAt time.Time `json:"deliveredAt"`
	// FailedWith is the code of a refused booking.
	FailedWith string `json:"failedWith,omitempty"`
	Cancelled  bool   `json:"cancelled"`
	// CancellationRefused says that the cancellation was answered: too late.
	CancellationRefused bool `json:"cancellationRefused"`
	// Attention is what a person must look at; its zero value is nothing.
	Attention Attention `json:"attention"`
}

// Address is where the parcel goes.
type Address struct {
	Name       string `json:"name"`
	Line1      string `json:"line1"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city"`
	PostalCode string `json:"postalCode"`
	// Country is an ISO 3166-1 alpha-2 code.
	Country string `json:"country"`
}

// Line is one article in the parcel.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

// Booking is how the carrier names the parcel.
type Booking struct {
	ID             string `json:"bookingId"`
	Carrier        string `json:"carrier"`
	TrackingNumber string `json:"trackingNumber"`
}

// Operation is what the carrier is asked to do.
type Operation string

const (
	// Book asks the carrier to fetch the parcel.
	Book Operation = "book"
	// Cancel asks it not to.
	Cancel Operation = "cancel"
)

// Attempt is one thing asked of the carrier.
type Attempt struct {
	Operation Operation `json:"operation,omitempty"`
	Number    int       `json:"number,omitempty"`
}

// Attention is what the carrier refused for good.
type Attention struct {
	Operation Operation `json:"operation,omitempty"`
	Code      string    `json:"code,omitempty"`
}

// Status is what a shop is told of the shipment.
type Status string

const (
	StatusWaiting    Status = "waiting"    // for the order, or for its stock
	StatusBooking    Status = "booking"    // the carrier was asked
	StatusBooked     Status = "booked"     // the carrier will fetch the parcel
	StatusShipped    Status = "shipped"    // the carrier has it
	StatusDelivered  Status = "delivered"  // the customer has it
	StatusCancelling Status = "cancelling" // a cancellation waits for the carrier's answer
	StatusCancelled  Status = "cancelled"  // nothing was shipped, and nothing will be
	StatusFailed     Status = "failed"     // the carrier refused the booking
)

// Category is the streams of shipments, one for each order and named by its id.
var Category = es.Category[Shipment, Event]{Name: "shipment", Kinds: kinds(), Evolve: Evolve}

// Evolve folds one fact into the shipment.
func Evolve(s Shipment, e Event) Shipment {
	switch e := e.(type) {
	case OrderHeard:
		s.OrderHeard, s.Address, s.Lines = true, e.Address, e.Lines
	case StockReservedHeard:
		s.StockReserved = true
	case CancellationHeard:
		s.CancellationHeard = true
	case ResolutionHeard:
		s.Resolved = true
	case Attempted:
		s.Asking = Attempt{Operation: e.Operation, Number: e.Number}
		s.BookingAsked = s.BookingAsked || e.Operation == Book
	case Booked:
		s.Asking, s.Booking = Attempt{}, e.Booking
	case BookingRefused:
		s.Asking, s.FailedWith = Attempt{}, e.Code
	case PickedUp:
		s.Asking, s.Attention, s.PickedUpAt = Attempt{}, Attention{}, e.At
	case Cancelled:
		s.Asking, s.Attention, s.Cancelled = Attempt{}, Attention{}, true
	case CancellationRefused:
		s.CancellationRefused = true
	case CarrierRefusedCancel:
		s.Asking, s.Attention = Attempt{}, Attention{Operation: Cancel, Code: e.Code}
	case RetryRequested:
		s.Attention = Attention{}
		s.CancelNumber++
	case Delivered:
		s.DeliveredAt = e.At
	}
	return s
}

// IsBooked says that the carrier has a booking of ours, whatever became of it.
func (s Shipment) IsBooked() bool { return s.Booking.ID != "" }

// IsShipped says that the carrier has, or had, the parcel.
func (s Shipment) IsShipped() bool { return !s.PickedUpAt.IsZero() }

// IsDelivered says that the customer has the parcel.
func (s Shipment) IsDelivered() bool { return !s.DeliveredAt.IsZero() }

// HasFailed says that the carrier refused the booking.
func (s Shipment) HasFailed() bool { return s.FailedWith != "" }

// IsAsking says that the carrier was asked this and has not answered.
func (s Shipment) IsAsking(a Attempt) bool { return s.Asking == a }

// NeedsAttention says that a retry is a person's to ask for.
func (s Shipment) NeedsAttention() bool { return s.Attention != Attention{} && !s.Resolved }

// IsOpen says that the carrier still has something to tell of the parcel: a pick-up or a delivery.
func (s Shipment) IsOpen() bool {
	return s.IsBooked() && !s.IsDelivered() && !s.Cancelled && !s.Resolved
}

// Status is the furthest that the shipment has come.
func (s Shipment) Status() Status {
	switch {
	case s.IsDelivered():
		return StatusDelivered
	case s.IsShipped():
		return StatusShipped
	case s.Cancelled:
		return StatusCancelled
	case s.HasFailed():
		return StatusFailed
	case s.CancellationHeard && (s.Asking != Attempt{} || s.NeedsAttention()):
		return StatusCancelling
	case s.IsBooked():
		return StatusBooked
	case s.Asking.Operation == Book:
		return StatusBooking
	}
	return StatusWaiting
}
