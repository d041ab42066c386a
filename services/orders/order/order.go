// Package order is the orders service's pure core: an order as the set of facts that it has decided and heard, the
// verbs that it knows, and its part of the saga. It asks for no time and holds no connection.
package order

import (
	"slices"

	"waybill.dev/platform/es"
)

// Order is what its stream says: each fact that has been heard stands here with what it told, and what has not
// been heard is nil. Everything that is asked of an order is a function of this set, never of the order that the
// facts came in.
type Order struct {
	Placed    *Placed    `json:",omitempty"`
	Completed *Completed `json:",omitempty"`
	Cancelled *Cancelled `json:",omitempty"`
	Resolved  *Resolved  `json:",omitempty"`

	Authorized    *PaymentAuthorized `json:",omitempty"`
	PaymentFailed *PaymentFailed     `json:",omitempty"`
	Captured      *PaymentCaptured   `json:",omitempty"`
	Voided        *PaymentVoided     `json:",omitempty"`
	Refunded      *PaymentRefunded   `json:",omitempty"`

	Reserved          *StockReserved          `json:",omitempty"`
	ReservationFailed *StockReservationFailed `json:",omitempty"`
	Released          *StockReleased          `json:",omitempty"`

	Shipped           *Shipped           `json:",omitempty"`
	ShippingFailed    *ShippingFailed    `json:",omitempty"`
	ShipmentCancelled *ShipmentCancelled `json:",omitempty"`
	Delivered         *Delivered         `json:",omitempty"`

	Requested *CancellationRequested `json:",omitempty"`
	Refused   *CancellationRefused   `json:",omitempty"`

	// What a person must look at, one for each operation or step, the latest word on it.
	PaymentAttention  []PaymentAttentionRequired  `json:",omitempty"`
	ShipmentAttention []ShipmentAttentionRequired `json:",omitempty"`
	Missed            []DeadlineMissed            `json:",omitempty"`
}

// Category describes the streams of orders, one for each, named by the order's id.
var Category = es.Category[Order, Event]{
	Name: "order",
	Kinds: []es.Kind{
		es.KindOf[Placed](), es.KindOf[Completed](), es.KindOf[Cancelled](), es.KindOf[Resolved](),
		es.KindOf[PaymentAuthorized](), es.KindOf[PaymentFailed](), es.KindOf[PaymentCaptured](),
		es.KindOf[PaymentVoided](), es.KindOf[PaymentRefunded](), es.KindOf[PaymentAttentionRequired](),
		es.KindOf[StockReserved](), es.KindOf[StockReservationFailed](), es.KindOf[StockReleased](),
		es.KindOf[Shipped](), es.KindOf[ShippingFailed](), es.KindOf[ShipmentCancelled](),
		es.KindOf[CancellationRefused](), es.KindOf[ShipmentAttentionRequired](), es.KindOf[Delivered](),
		es.KindOf[CancellationRequested](), es.KindOf[DeadlineMissed](),
	},
	Evolve: Evolve,
}

// Evolve adds one fact to the set.
func Evolve(o Order, e Event) Order {
	switch e := e.(type) {
	case Placed:
		o.Placed = &e
	case Completed:
		o.Completed = &e
	case Cancelled:
		o.Cancelled = &e
	case Resolved:
		o.Resolved = &e
	case PaymentAuthorized:
		o.Authorized = &e
	case PaymentFailed:
		o.PaymentFailed = &e
	case PaymentCaptured:
		o.Captured = &e
	case PaymentVoided:
		o.Voided = &e
	case PaymentRefunded:
		o.Refunded = &e
	case StockReserved:
		o.Reserved = &e
	case StockReservationFailed:
		o.ReservationFailed = &e
	case StockReleased:
		o.Released = &e
	case Shipped:
		o.Shipped = &e
	case ShippingFailed:
		o.ShippingFailed = &e
	case ShipmentCancelled:
		o.ShipmentCancelled = &e
	case Delivered:
		o.Delivered = &e
	case CancellationRequested:
		o.Requested = &e
	case CancellationRefused:
		o.Refused = &e
	case PaymentAttentionRequired:
		o.PaymentAttention = latest(o.PaymentAttention, e, func(x PaymentAttentionRequired) bool { return x.Operation == e.Operation })
	case ShipmentAttentionRequired:
		o.ShipmentAttention = latest(o.ShipmentAttention, e, func(x ShipmentAttentionRequired) bool { return x.Operation == e.Operation })
	case DeadlineMissed:
		o.Missed = latest(o.Missed, e, func(x DeadlineMissed) bool { return x.Step == e.Step })
	}
	return o
}

// latest is a copy of the list with e in the place of what it replaces, or at the end.
func latest[E any](list []E, e E, replaces func(E) bool) []E {
	if i := slices.IndexFunc(list, replaces); i >= 0 {
		list = slices.Clone(list)
		list[i] = e
		return list
	}
	return append(slices.Clip(list), e)
}

// Knows says whether the order has noted this fact before. Each counts once; but a person's retry may be refused
// again for another reason, and that is news.
func (o Order) Knows(e Event) bool {
	switch e := e.(type) {
	case Placed:
		return o.Placed != nil
	case Completed:
		return o.Completed != nil
	case Cancelled:
		return o.Cancelled != nil
	case Resolved:
		return o.Resolved != nil
	case PaymentAuthorized:
		return o.Authorized != nil
	case PaymentFailed:
		return o.PaymentFailed != nil
	case PaymentCaptured:
		return o.Captured != nil
	case PaymentVoided:
		return o.Voided != nil
	case PaymentRefunded:
		return o.Refunded != nil
	case StockReserved:
		return o.Reserved != nil
	case StockReservationFailed:
		return o.ReservationFailed != nil
	case StockReleased:
		return o.Released != nil
	case Shipped:
		return o.Shipped != nil
	case ShippingFailed:
		return o.ShippingFailed != nil
	case ShipmentCancelled:
		return o.ShipmentCancelled != nil
	case Delivered:
		return o.Delivered != nil
	case CancellationRequested:
		return o.Requested != nil
	case CancellationRefused:
		return o.Refused != nil
	case PaymentAttentionRequired:
		return slices.Contains(o.PaymentAttention, e)
	case ShipmentAttentionRequired:
		return slices.Contains(o.ShipmentAttention, e)
	case DeadlineMissed:
		return slices.Contains(o.Missed, e)
	}
	return false
}

// Ended says whether the order has come to its one end, after which facts are noted and nothing is said.
func (o Order) Ended() bool {
	return o.Completed != nil || o.Cancelled != nil || o.Resolved != nil
}

// Verb is what can be asked of an order. Decide answers with new facts, none where all has been said, or with an
// *es.Refusal.
type Verb interface {
	Decide(Order) ([]Event, error)
}

// On is the command that does the verb to the order with this id.
func On(tenant, id string, v Verb) es.Command {
	return es.On(Category, Category.Stream(tenant, id), func(o Order) ([]Event, []es.Job, error) {
		facts, err := v.Decide(o)
		return facts, nil, err
	})
}

// with is a new fact and the end that the order comes to by it, if it does.
func (o Order) with(e Event) []Event {
	if end := Evolve(o, e).end(); end != nil {
		return []Event{e, end}
	}
	return []Event{e}
}

// end is the end that the facts say, where none has been said. An order that was heard of and never placed has
// none: its facts wait for it.
func (o Order) end() Event {
	switch {
	case o.Placed == nil || o.Ended():
		return nil
	case o.Shipped != nil && o.Captured != nil:
		return Completed{Total: o.Placed.Total}
	case o.PaymentFailed != nil || o.Voided != nil || o.Refunded != nil:
		return Cancelled{Reason: o.reason()}
	}
	return nil
}

// reason is why the order is cancelled. Where the money came back before its cause was heard (they travel on
// different topics), the money is all there is to tell.
func (o Order) reason() string {
	switch {
	case o.PaymentFailed != nil:
		return o.PaymentFailed.Code
	case o.ReservationFailed != nil:
		return "out_of_stock"
	case o.ShippingFailed != nil:
		return o.ShippingFailed.Code
	case o.Requested != nil:
		return o.Requested.Reason
	case o.Refunded != nil:
		return "payment_refunded"
	}
	return "payment_voided"
}
