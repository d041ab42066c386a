package shipment

import (
	"time"

	"waybill.dev/platform/es"
)

// Event is a fact of a shipment.
//
//sumtype:decl
type Event interface {
	es.Event
	shipmentEvent()
}

// OrderHeard notes what a booking needs of the order.
type OrderHeard struct {
	Address Address `json:"address"`
	Lines   []Line  `json:"lines"`
}

// StockReservedHeard notes that every line of the order is reserved.
type StockReservedHeard struct{}

// CancellationHeard notes that somebody wants the order stopped.
type CancellationHeard struct{}

// ResolutionHeard notes that an operator has settled the order by hand: nothing new is started after it.
type ResolutionHeard struct {
	// Outcome is "completed" or "cancelled".
	Outcome string `json:"outcome"`
}

// Attempted is the intent to ask the carrier. Until a fact answers it, nothing else is asked.
type Attempted struct {
	Operation Operation `json:"operation"`
	// Number counts from 0 and rises only when a person retries what was refused for good.
	Number int `json:"number"`
	// Key is the idempotency key that the carrier knows the attempt by.
	Key string `json:"key"`
}

// Booked says that the carrier will fetch the parcel.
type Booked struct {
	Booking
}

// BookingRefused says that the carrier will never fetch the parcel. It is the shipment's end.
type BookingRefused struct {
	// Code is the carrier's machine-readable reason.
	Code string `json:"code"`
}

// PickedUp says that the carrier has the parcel.
type PickedUp struct {
	Booking
	// At is the carrier's own time; where a delivery was heard first, the delivery's.
	At time.Time `json:"at"`
}

// Cancelled says that nothing was shipped and nothing will be. It is the shipment's end.
type Cancelled struct{}

// CancellationRefused says that a cancellation came too late: the parcel is gone.
type CancellationRefused struct{}

// CarrierRefusedCancel says that the carrier will not cancel the booking though it does not have the parcel: a
// person must look.
type CarrierRefusedCancel struct {
	Number int `json:"number"`
	// Code is the carrier's machine-readable reason.
	Code string `json:"code"`
}

// RetryRequested says that a person has lifted the cause of a refusal and wants the operation tried again.
type RetryRequested struct {
	Operation Operation `json:"operation"`
}

// Delivered says that the customer has the parcel. It is the shipment's end.
type Delivered struct {
	// At is the carrier's own time.
	At time.Time `json:"at"`
}

func (OrderHeard) Kind() string           { return "shipment.order-heard" }
func (StockReservedHeard) Kind() string   { return "shipment.stock-reserved-heard" }
func (CancellationHeard) Kind() string    { return "shipment.cancellation-heard" }
func (ResolutionHeard) Kind() string      { return "shipment.resolution-heard" }
func (Attempted) Kind() string            { return "shipment.attempted" }
func (Booked) Kind() string               { return "shipment.booked" }
func (BookingRefused) Kind() string       { return "shipment.booking-refused" }
func (PickedUp) Kind() string             { return "shipment.picked-up" }
func (Cancelled) Kind() string            { return "shipment.cancelled" }
func (CancellationRefused) Kind() string  { return "shipment.cancellation-refused" }
func (CarrierRefusedCancel) Kind() string { return "shipment.carrier-refused-cancel" }
func (RetryRequested) Kind() string       { return "shipment.retry-requested" }
func (Delivered) Kind() string            { return "shipment.delivered" }

func (OrderHeard) shipmentEvent()           {}
func (StockReservedHeard) shipmentEvent()   {}
func (CancellationHeard) shipmentEvent()    {}
func (ResolutionHeard) shipmentEvent()      {}
func (Attempted) shipmentEvent()            {}
func (Booked) shipmentEvent()               {}
func (BookingRefused) shipmentEvent()       {}
func (PickedUp) shipmentEvent()             {}
func (Cancelled) shipmentEvent()            {}
func (CancellationRefused) shipmentEvent()  {}
func (CarrierRefusedCancel) shipmentEvent() {}
func (RetryRequested) shipmentEvent()       {}
func (Delivered) shipmentEvent()            {}

// kinds lists every fact of the union.
func kinds() []es.Kind {
	return []es.Kind{
		es.KindOf[OrderHeard](), es.KindOf[StockReservedHeard](), es.KindOf[CancellationHeard](),
		es.KindOf[ResolutionHeard](), es.KindOf[Attempted](), es.KindOf[Booked](), es.KindOf[BookingRefused](),
		es.KindOf[PickedUp](), es.KindOf[Cancelled](), es.KindOf[CancellationRefused](),
		es.KindOf[CarrierRefusedCancel](), es.KindOf[RetryRequested](), es.KindOf[Delivered](),
	}
}
