package contracts

// OrderPlaced says that a shop has placed an order and Waybill has accepted it. It carries the whole order:
// whoever will need a part of it hears this event and keeps what it needs in its own stream.
type OrderPlaced struct {
	Customer        Customer      `json:"customer"`
	Lines           []OrderLine   `json:"lines"`
	ShippingAddress Address       `json:"shippingAddress"`
	Payment         PaymentMethod `json:"payment"`
	// Total is the sum of quantity times unit price over the lines.
	Total Money `json:"total"`
}

// Customer is who ordered, and how to reach them.
type Customer struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

// OrderLine is one article of an order. A SKU stands in one line at most.
type OrderLine struct {
	SKU       string `json:"sku"`
	Name      string `json:"name"`
	Quantity  int64  `json:"quantity"`
	UnitPrice Money  `json:"unitPrice"`
}

// Address is where a parcel goes.
type Address struct {
	Name       string `json:"name"`
	Line1      string `json:"line1"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city"`
	PostalCode string `json:"postalCode"`
	// Country is an ISO 3166-1 alpha-2 code, "DE".
	Country string `json:"country"`
}

// PaymentMethod is how the order is paid. The token stands for the card at the payment provider; it is a
// secret, and is used for nothing but the authorization.
type PaymentMethod struct {
	// Method is "card".
	Method string `json:"method"`
	Token  string `json:"token"`
}

// OrderCancellationRequested says that somebody wants the order stopped. Shipping answers it, because only
// shipping knows whether the parcel has gone.
type OrderCancellationRequested struct {
	// RequestedBy is "customer", "operator" or "deadline".
	RequestedBy string `json:"requestedBy"`
	Reason      string `json:"reason"`
}

// OrderCancelled says that the order has ended and that nothing is held or owed for it.
type OrderCancelled struct {
	// Reason is why it was cancelled: the code of the refusal, or the reason given with the request.
	Reason string `json:"reason"`
}

// OrderResolved says that an operator has settled the order by hand, on record. Each service ends its part.
type OrderResolved struct {
	// Outcome is "completed" or "cancelled": which of the two ends the operator brought about.
	Outcome    string `json:"outcome"`
	ResolvedBy string `json:"resolvedBy"`
	Reason     string `json:"reason"`
}

// OrderCompleted says that the order has ended: shipped, and paid.
type OrderCompleted struct {
	Total Money `json:"total"`
}

func (OrderPlaced) Type() Type { return "commerce.orders.order-placed.v1" }
func (OrderCancellationRequested) Type() Type {
	return "commerce.orders.order-cancellation-requested.v1"
}
func (OrderCancelled) Type() Type { return "commerce.orders.order-cancelled.v1" }
func (OrderResolved) Type() Type  { return "commerce.orders.order-resolved.v1" }
func (OrderCompleted) Type() Type { return "commerce.orders.order-completed.v1" }

func (OrderPlaced) integrationEvent()                {}
func (OrderCancellationRequested) integrationEvent() {}
func (OrderCancelled) integrationEvent()             {}
func (OrderResolved) integrationEvent()              {}
func (OrderCompleted) integrationEvent()             {}
