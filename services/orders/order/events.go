package order

import "time"

// Event is a fact of an order's stream: what the order itself decided, or what it heard from another service.
//
//sumtype:decl
type Event interface {
	// Kind is the name that the fact is stored under, for ever.
	Kind() string
	orderEvent()
}

// Placed is the first fact of every order: the whole of it, and the deadlines that its tenant had that day.
type Placed struct {
	PlacedAt        time.Time `json:"placedAt"`
	Customer        Customer  `json:"customer"`
	Lines           []Line    `json:"lines"`
	ShippingAddress Address   `json:"shippingAddress"`
	Payment         Payment   `json:"payment"`
	Total           Money     `json:"total"`
	Deadlines       Deadlines `json:"deadlines"`
}

// Facts that begin a step of the order's way carry when they were heard: the next fact is due from then on.
type (
	// PaymentAuthorized: the money is held at the provider.
	PaymentAuthorized struct {
		Amount            Money     `json:"amount"`
		ProviderReference string    `json:"providerReference"`
		ExpiresAt         time.Time `json:"expiresAt"`
		HeardAt           time.Time `json:"heardAt"`
	}
	// PaymentFailed: the payment was refused for good, and nothing is held.
	PaymentFailed struct {
		Code string `json:"code"`
	}
	// PaymentCaptured: the money is taken.
	PaymentCaptured struct {
		Amount            Money  `json:"amount"`
		ProviderReference string `json:"providerReference"`
	}
	// PaymentVoided: the hold is gone, or there never will be one.
	PaymentVoided struct{}
	// PaymentRefunded: the captured money went back.
	PaymentRefunded struct {
		Amount            Money  `json:"amount"`
		ProviderReference string `json:"providerReference"`
	}
	// PaymentAttentionRequired: a capture, void or refund was refused for good. An operator's retry may be refused
	// as well, so that there may be several; the last of an operation is the one that counts.
	PaymentAttentionRequired struct {
		Operation string `json:"operation"`
		Code      string `json:"code"`
	}

	// StockReserved: every line is reserved.
	StockReserved struct {
		HeardAt time.Time `json:"heardAt"`
	}
	// StockReservationFailed: nothing is reserved, and nothing will be.
	StockReservationFailed struct {
		Shortages []Shortage `json:"shortages"`
		HeardAt   time.Time  `json:"heardAt"`
	}
	// StockReleased: nothing is reserved any more.
	StockReleased struct {
		HeardAt time.Time `json:"heardAt"`
	}

	// Shipped: the carrier has the parcel.
	Shipped struct {
		Carrier        string    `json:"carrier"`
		TrackingNumber string    `json:"trackingNumber"`
		PickedUpAt     time.Time `json:"pickedUpAt"`
		HeardAt        time.Time `json:"heardAt"`
	}
	// ShippingFailed: the order cannot be shipped, and was not.
	ShippingFailed struct {
		Code    string    `json:"code"`
		HeardAt time.Time `json:"heardAt"`
	}
	// ShipmentCancelled: nothing was shipped, and nothing will be.
	ShipmentCancelled struct {
		HeardAt time.Time `json:"heardAt"`
	}
	// CancellationRefused: the parcel had gone before the cancellation came.
	CancellationRefused struct {
		HeardAt time.Time `json:"heardAt"`
	}
	// ShipmentAttentionRequired: the carrier refused something for good; like PaymentAttentionRequired.
	ShipmentAttentionRequired struct {
		Operation string `json:"operation"`
		Code      string `json:"code"`
	}
	// Delivered: the customer has the parcel.
	Delivered struct {
		DeliveredAt time.Time `json:"deliveredAt"`
	}
)

// CancellationRequested: somebody, or a missed deadline, wants the order stopped.
type CancellationRequested struct {
	RequestedBy RequestedBy `json:"requestedBy"`
	Reason      string      `json:"reason"`
	RequestedAt time.Time   `json:"requestedAt"`
}

// DeadlineMissed: what the step waits for has not come in time, and a person must look.
type DeadlineMissed struct {
	Step Step      `json:"step"`
	Due  time.Time `json:"due"`
}

// Completed: the order has ended, shipped and paid.
type Completed struct {
	Total Money `json:"total"`
}

// Cancelled: the order has ended, and nothing is held or owed for it.
type Cancelled struct {
	// Reason is the code of the refusal that led to it, or the reason that was given with the request.
	Reason string `json:"reason"`
}

// Resolved: an operator has settled the order by hand.
type Resolved struct {
	Outcome    Outcome `json:"outcome"`
	ResolvedBy string  `json:"resolvedBy"`
	Reason     string  `json:"reason"`
}

// RequestedBy is who wants an order cancelled.
type RequestedBy string

// Who may want an order cancelled.
const (
	ByCustomer RequestedBy = "customer"
	ByOperator RequestedBy = "operator"
	ByDeadline RequestedBy = "deadline"
)

// Outcome is the end that an operator brought about.
type Outcome string

// The two ends that an operator may bring about.
const (
	OutcomeCompleted Outcome = "completed"
	OutcomeCancelled Outcome = "cancelled"
)

// Money is an amount in minor units of an ISO 4217 currency.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Customer is who ordered.
type Customer struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Line is one article of the order.
type Line struct {
	SKU       string `json:"sku"`
	Name      string `json:"name"`
	Quantity  int64  `json:"quantity"`
	UnitPrice Money  `json:"unitPrice"`
}

// Address is where the parcel goes.
type Address struct {
	Name       string `json:"name"`
	Line1      string `json:"line1"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city"`
	PostalCode string `json:"postalCode"`
	Country    string `json:"country"`
}

// Payment is how the order is paid. The token is a secret: it leaves the log for payments alone.
type Payment struct {
	Method string `json:"method"`
	Token  string `json:"token"`
}

// Shortage is one SKU of which there is not enough.
type Shortage struct {
	SKU       string `json:"sku"`
	Wanted    int64  `json:"wanted"`
	Available int64  `json:"available"`
}

func (Placed) Kind() string                    { return "order.placed" }
func (PaymentAuthorized) Kind() string         { return "order.payment-authorized" }
func (PaymentFailed) Kind() string             { return "order.payment-failed" }
func (PaymentCaptured) Kind() string           { return "order.payment-captured" }
func (PaymentVoided) Kind() string             { return "order.payment-voided" }
func (PaymentRefunded) Kind() string           { return "order.payment-refunded" }
func (PaymentAttentionRequired) Kind() string  { return "order.payment-attention-required" }
func (StockReserved) Kind() string             { return "order.stock-reserved" }
func (StockReservationFailed) Kind() string    { return "order.stock-reservation-failed" }
func (StockReleased) Kind() string             { return "order.stock-released" }
func (Shipped) Kind() string                   { return "order.shipped" }
func (ShippingFailed) Kind() string            { return "order.shipping-failed" }
func (ShipmentCancelled) Kind() string         { return "order.shipment-cancelled" }
func (CancellationRefused) Kind() string       { return "order.cancellation-refused" }
func (ShipmentAttentionRequired) Kind() string { return "order.shipment-attention-required" }
func (Delivered) Kind() string                 { return "order.delivered" }
func (CancellationRequested) Kind() string     { return "order.cancellation-requested" }
func (DeadlineMissed) Kind() string            { return "order.deadline-missed" }
func (Completed) Kind() string                 { return "order.completed" }
func (Cancelled) Kind() string                 { return "order.cancelled" }
func (Resolved) Kind() string                  { return "order.resolved" }

func (Placed) orderEvent()                    {}
func (PaymentAuthorized) orderEvent()         {}
func (PaymentFailed) orderEvent()             {}
func (PaymentCaptured) orderEvent()           {}
func (PaymentVoided) orderEvent()             {}
func (PaymentRefunded) orderEvent()           {}
func (PaymentAttentionRequired) orderEvent()  {}
func (StockReserved) orderEvent()             {}
func (StockReservationFailed) orderEvent()    {}
func (StockReleased) orderEvent()             {}
func (Shipped) orderEvent()                   {}
func (ShippingFailed) orderEvent()            {}
func (ShipmentCancelled) orderEvent()         {}
func (CancellationRefused) orderEvent()       {}
func (ShipmentAttentionRequired) orderEvent() {}
func (Delivered) orderEvent()                 {}
func (CancellationRequested) orderEvent()     {}
func (DeadlineMissed) orderEvent()            {}
func (Completed) orderEvent()                 {}
func (Cancelled) orderEvent()                 {}
func (Resolved) orderEvent()                  {}
