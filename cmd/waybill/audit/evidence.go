package audit

import (
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/orders/order"
	"waybill.dev/simulators/carrier"
	"waybill.dev/simulators/provider"
)

// Evidence is all that anybody knows of one order. Where nobody knows of the order it is empty but for what the
// provider or the carrier has under its reference.
type Evidence struct {
	Tenant, Order string
	// At is up to when what was due has surely been judged: now, less what judging a deadline takes.
	At time.Time

	// The facts of the order's stream in each service, by version.
	Orders, Payment, Reservation, Shipment, Mails []es.Recorded
	// Charges and Parcels are what the provider and the carrier have under the order's reference.
	Charges []provider.Payment
	Parcels []carrier.Booking

	// Said are the first copies of the order's messages on Kafka, each topic's in the order of its partition.
	Said []Copy
	// Unsent are the ids of the order's messages that an outbox still holds.
	Unsent []string
	// Forgotten says whether a message that was due need not be on Kafka any more, because what was said then is not kept.
	// Nil is never.
	Forgotten func(contracts.Message) bool
	// Unread are messages that a service may not have read yet, or has parked.
	Unread []Unread

	// Jobs are the order's jobs that are not done, in all services.
	Jobs []es.Job

	// GivenUp are messages that a service was to hear and that a person has discarded.
	GivenUp []Unread

	// Rows are the order's rows in the read models; nil where they were not looked at.
	Rows *Rows
}

// Copy is a message as it is on Kafka.
type Copy struct {
	ID    string
	Topic string
	// Source is the service that said it, "/waybill/orders".
	Source   string
	Sequence int64
	// Later says that it came behind what Kafka held when the evidence was gathered: its fact may be missing.
	Later bool
}

// Unread is a message that a service may not have noted, and why.
type Unread struct {
	Service, ID string
	Why         string
}

// Rows are what the read models hold of an order.
type Rows struct {
	// Order is the order's row in the table of all orders; nil where there is none.
	Order *OrderRow
	// OpenParcel is the booking in the table of parcels that are polled; "" where there is none.
	OpenParcel string
}

// OrderRow is a row of the table of all orders.
type OrderRow struct {
	CustomerID string
	Status     order.Status
	Attention  string
	Total      order.Money
	PlacedAt   time.Time
	// UpdatedAt is the time of the last fact that the row tells; zero where it was not looked at.
	UpdatedAt time.Time
	// Expects is what the order waits for; nil for nothing.
	Expects *order.Expectation
}
