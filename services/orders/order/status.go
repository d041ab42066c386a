package order

import (
	"fmt"
	"strings"
)

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
	if o.Ended() {
		return ""
	}
	var reasons []string
	for _, a := range o.PaymentAttention {
		if !o.paymentAnswered(a.Operation) {
			reasons = append(reasons, fmt.Sprintf("%s refused: %s", a.Operation, a.Code))
		}
	}
	for _, a := range o.ShipmentAttention {
		if !o.shipmentAnswered() {
			reasons = append(reasons, fmt.Sprintf("shipment %s refused: %s", a.Operation, a.Code))
		}
	}
	for _, m := range o.Missed {
		if !o.came(m.Step) {
			reasons = append(reasons, fmt.Sprintf("%s is overdue", m.Step))
		}
	}
	return strings.Join(reasons, "; ")
}

func (o Order) paymentAnswered(operation string) bool {
	switch operation {
	case "capture":
		return o.Captured != nil
	case "refund":
		return o.Refunded != nil
	}
	return o.Voided != nil || o.PaymentFailed != nil
}

func (o Order) shipmentAnswered() bool {
	return o.Shipped != nil || o.ShipmentCancelled != nil || o.ShippingFailed != nil
}
