package order

import "strings"

// Status is how far the order has come.
type Status string

// The ways that an order can stand.
const (
	StatusPlaced     Status = "placed"
	StatusAuthorized Status = "authorized"
	StatusReserved   Status = "reserved"
	StatusShipped    Status = "shipped"
	StatusCompleted  Status = "completed"
	StatusCancelling Status = "cancelling"
	StatusCancelled  Status = "cancelled"
)

// Status is a function of the set of facts, never of the order that they came in. An order that was resolved has
// the status of its outcome.
func (o Order) Status() Status {
	switch {
	case o.Completed != nil || o.Resolved != nil && o.Resolved.Outcome == OutcomeCompleted:
		return StatusCompleted
	case o.Cancelled != nil || o.Resolved != nil:
		return StatusCancelled
	case o.Shipped != nil:
		return StatusShipped
	case o.Cancelling():
		return StatusCancelling
	case o.Reserved != nil:
		return StatusReserved
	case o.Authorized != nil:
		return StatusAuthorized
	}
	return StatusPlaced
}

// Cancelling says whether the order is on its way back: a cancellation was asked for and has not been refused, or
// a service has said that it cannot go on.
func (o Order) Cancelling() bool {
	return o.pending() || o.ReservationFailed != nil || o.ShippingFailed != nil || o.ShipmentCancelled != nil || o.Released != nil
}

// pending says whether a request for cancellation waits for its answer.
func (o Order) pending() bool { return o.Requested != nil && o.Refused == nil }

// Attention says why a person must look at the order, each reason until the fact that answers it; it is empty where
// nobody need look. An order that has ended needs nobody.
func (o Order) Attention() string {
	var texts []string
	for _, r := range o.Reasons() {
		texts = append(texts, r.String())
	}
	return strings.Join(texts, "; ")
}

// Reason is one reason why a person must look at an order.
type Reason struct {
	// Name is what was refused for good, "capture refused", or has not come in time, "capture is overdue".
	Name string
	// Code is the reason of a refusal.
	Code string
}

func (r Reason) String() string {
	if r.Code == "" {
		return r.Name
	}
	return r.Name + ": " + r.Code
}

// Reasons are what Attention tells, one by one.
func (o Order) Reasons() []Reason {
	if o.Ended() {
		return nil
	}
	var reasons []Reason
	for _, a := range o.PaymentAttention {
		if !o.paymentAnswered(a.Operation) {
			reasons = append(reasons, Reason{Name: a.Operation + " refused", Code: a.Code})
		}
	}
	for _, a := range o.ShipmentAttention {
		if !o.shipmentAnswered() {
			reasons = append(reasons, Reason{Name: "shipment " + a.Operation + " refused", Code: a.Code})
		}
	}
	for _, m := range o.Missed {
		if !o.came(m.Step) {
			reasons = append(reasons, Reason{Name: string(m.Step) + " is overdue"})
		}
	}
	return reasons
}

func (o Order) paymentAnswered(operation string) bool {
	switch operation {
	case "capture":
		return o.Captured != nil
	case "refund":
		return o.Refunded != nil
	}
	// A void that was refused is also answered by a capture: where money is captured at once, a retry begins with the
	// capture whose refusal had led to the void.
	return o.Voided != nil || o.PaymentFailed != nil || o.Captured != nil
}

func (o Order) shipmentAnswered() bool {
	return o.Shipped != nil || o.ShipmentCancelled != nil || o.ShippingFailed != nil
}
