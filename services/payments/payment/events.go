package payment

import (
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// Fact is a fact of a payment.
//
//sumtype:decl
type Fact interface {
	es.Event
	paymentFact()
}

// Requested notes order-placed: the amount is to be held, and later taken.
type Requested struct {
	Amount contracts.Money `json:"amount"`
	Token  Token           `json:"token"`
	// CaptureAtOnce is the tenant's setting as it was then: the money is taken as soon as it is held.
	CaptureAtOnce bool `json:"captureAtOnce"`
}

// ShipmentHeard notes order-shipped: the money may be taken.
type ShipmentHeard struct{}

// WayBackHeard notes that the order cannot go on: the money is not to be held, or goes back.
type WayBackHeard struct {
	Cause Cause `json:"cause"`
}

// Cause is the event that turned the order back.
type Cause string

const (
	StockReleased          Cause = "stock-released"
	StockReservationFailed Cause = "stock-reservation-failed"
)

// ResolutionHeard notes order-resolved: an operator settled the order by hand, and nothing more is begun.
type ResolutionHeard struct{}

// Attempted is the intent to ask the provider for an operation. The job that asks is made in the same commit.
type Attempted struct {
	Operation Operation `json:"operation"`
	// Number counts the operation's attempts from 0. It rises only after a refusal and an operator's retry.
	Number int `json:"number"`
	// Key is the provider's idempotency key, "{tenant}/{order}/{operation}/{number}".
	Key string    `json:"key"`
	At  time.Time `json:"at"`
}

// Authorized says that the provider holds the money.
type Authorized struct {
	Amount contracts.Money `json:"amount"`
	// Payment is the provider's own name of the payment.
	Payment   string    `json:"payment"`
	ExpiresAt time.Time `json:"expiresAt"`
	// AtOnce is set where the capture follows at once: until then the hold is not told to anybody.
	AtOnce bool `json:"atOnce"`
}

// Refused says that the provider refused an operation for good.
type Refused struct {
	Operation Operation `json:"operation"`
	// Code is the provider's machine-readable reason.
	Code string `json:"code"`
	// Attention is set where a person must look.
	Attention bool `json:"attention"`
}

// Captured says that the money was taken.
type Captured struct {
	Amount    contracts.Money `json:"amount"`
	Payment   string          `json:"payment"`
	Reference string          `json:"reference"`
	// AtOnce is set where the authorization has not been told yet: it is told along with the capture.
	AtOnce bool `json:"atOnce"`
	// ExpiresAt is when the hold would have ended.
	ExpiresAt time.Time `json:"expiresAt"`
}

// Voided says that the hold is gone, or that there never will be one.
type Voided struct {
	Reference string `json:"reference,omitempty"`
	// Code is "authorization_expired" where the provider refused the void because the hold had ended by itself.
	Code string `json:"code,omitempty"`
	// FailedWith is the code of the capture's refusal that led to the void, where the order was not turned
	// back: then the payment has failed.
	FailedWith string `json:"failedWith,omitempty"`
}

// Refunded says that the money went back.
type Refunded struct {
	Amount    contracts.Money `json:"amount"`
	Payment   string          `json:"payment"`
	Reference string          `json:"reference"`
}

// RetryRequested says that somebody has looked: the refusal of the operation no longer stands in the way.
type RetryRequested struct {
	Operation Operation `json:"operation"`
	By        string    `json:"by"`
}

func (Requested) Kind() string       { return "payment.requested" }
func (ShipmentHeard) Kind() string   { return "payment.shipment-heard" }
func (WayBackHeard) Kind() string    { return "payment.way-back-heard" }
func (ResolutionHeard) Kind() string { return "payment.resolution-heard" }
func (Attempted) Kind() string       { return "payment.attempted" }
func (Authorized) Kind() string      { return "payment.authorized" }
func (Refused) Kind() string         { return "payment.refused" }
func (Captured) Kind() string        { return "payment.captured" }
func (Voided) Kind() string          { return "payment.voided" }
func (Refunded) Kind() string        { return "payment.refunded" }
func (RetryRequested) Kind() string  { return "payment.retry-requested" }

func (Requested) paymentFact()       {}
func (ShipmentHeard) paymentFact()   {}
func (WayBackHeard) paymentFact()    {}
func (ResolutionHeard) paymentFact() {}
func (Attempted) paymentFact()       {}
func (Authorized) paymentFact()      {}
func (Refused) paymentFact()         {}
func (Captured) paymentFact()        {}
func (Voided) paymentFact()          {}
func (Refunded) paymentFact()        {}
func (RetryRequested) paymentFact()  {}

// Category is the sort of stream that a payment is: one an order, named by the order's id.
var Category = es.Category[Payment, Fact]{
	Name: "payment",
	Kinds: []es.Kind{
		es.KindOf[Requested](), es.KindOf[ShipmentHeard](), es.KindOf[WayBackHeard](), es.KindOf[ResolutionHeard](),
		es.KindOf[Attempted](), es.KindOf[Authorized](), es.KindOf[Refused](), es.KindOf[Captured](),
		es.KindOf[Voided](), es.KindOf[Refunded](), es.KindOf[RetryRequested](),
	},
	Evolve: evolve,
}
