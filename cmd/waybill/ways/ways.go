// Package ways knows the ways that an order can go: how each is placed, what people do meanwhile, and what must be true
// of the order, the money, the stock, the parcel and the mails at its end. The demo shows them, and the saga's tests
// hold every build against them.
package ways

import (
	"context"
	"slices"
	"time"

	"waybill.dev/cmd/waybill/client"
)

// Way is one way that an order can go.
type Way struct {
	Name string
	// Lines are the articles; one of quantity 1 where there are none.
	Lines []Line
	// Token is how it is paid; "tok_ok" without.
	Token string
	// PostalCode is where it goes; an ordinary one without.
	PostalCode string
	// CaptureAtOnce says that it is an order of a tenant that captures at once.
	CaptureAtOnce bool
	// Hurried says that it is an order of a tenant whose parcels must be picked up within ShipmentDeadline.
	Hurried bool
	// Meanwhile is what people do while the order goes on; nil for nothing.
	Meanwhile func(context.Context, *Walk) error
	Want      Outcome
	// Also are other outcomes that are right, where it matters which of two messages comes first.
	Also []Outcome
}

// ShipmentDeadline is that of a hurried tenant: enough for the carrier to be asked and to answer.
const ShipmentDeadline = 2 * time.Second

// Right says whether an outcome is one that the way may have.
func (w Way) Right(o Outcome) bool { return o == w.Want || slices.Contains(w.Also, o) }

// Line is one article of a way's order.
type Line struct {
	// Stocked is how many are on the shelf.
	Stocked  int64
	Quantity int64
}

// Outcome is how things stand when an order is at rest, seen from everywhere. Each member reads like what a person
// would say; two outcomes are compared by ==.
type Outcome struct {
	// Order is the order's status, with "!" where it shows attention, and "delivered" where it is.
	Order string `json:"order"`
	// Payment is its status at payments, with "!" where it needs attention.
	Payment string `json:"payment"`
	// Provider is what the payment provider's own books have: "captured 1999", or "nothing".
	Provider string `json:"provider"`
	// Reservation is its status at inventory.
	Reservation string `json:"reservation"`
	// Stock is how many left the shelves, and how many are still reserved.
	Stock string `json:"stock"`
	// Shipment is its status at shipping, with "!" where it needs attention.
	Shipment string `json:"shipment"`
	// Carrier is what the carrier's own books have: "delivered", or "nothing".
	Carrier string `json:"carrier"`
	// Mails are the kinds of the mails that the customer got, sorted.
	Mails string `json:"mails"`
}

// The price of an article, in minor units.
const price = 1999

// How things stand in the common ends.
var (
	completed = Outcome{
		Order: "completed delivered", Payment: "captured", Provider: "captured 1999", Reservation: "shipped",
		Stock: "1 sold, 0 reserved", Shipment: "delivered", Carrier: "delivered",
		Mails: "order-completed order-delivered order-received order-shipped",
	}
	// cancelled is an order that was turned back before anything was shipped, its hold voided.
	cancelled = Outcome{
		Order: "cancelled", Payment: "voided", Provider: "voided", Reservation: "released",
		Stock: "0 sold, 0 reserved", Shipment: "cancelled", Carrier: "nothing",
		Mails: "order-cancelled order-received",
	}
)

func (o Outcome) with(change func(*Outcome)) Outcome {
	change(&o)
	return o
}

// All are the ways, the plainest first. None needs a service to be stopped.
func All() []Way {
	return []Way{
		{Name: "completed", Want: completed},
		{
			Name:  "completed, several lines",
			Lines: []Line{{5, 2}, {3, 3}, {9, 1}},
			Want: completed.with(func(o *Outcome) {
				o.Provider, o.Stock = "captured 11994", "6 sold, 0 reserved"
			}),
		},
		{Name: "declined", Token: "tok_declined", Want: failed("card_declined")},
		{Name: "insufficient funds", Token: "tok_insufficient_funds", Want: failed("insufficient_funds")},
		{
			Name: "out of stock", Lines: []Line{{0, 1}},
			Want: cancelled.with(func(o *Outcome) { o.Reservation, o.Shipment = "failed", "waiting" }),
		},
		{
			Name: "out of stock in one line of three", Lines: []Line{{5, 1}, {1, 2}, {5, 1}},
			Want: cancelled.with(func(o *Outcome) { o.Reservation, o.Shipment = "failed", "waiting" }),
		},
		{
			Name: "carrier refuses", PostalCode: "99999",
			Want: cancelled.with(func(o *Outcome) { o.Shipment = "failed" }),
		},
		{
			Name: "cancelled before payment", Token: "tok_slow", Meanwhile: cancelAtOnce,
			Want: cancelled,
			// The way back may come to payments before the order does, and to shipping after the reservation.
			Also: []Outcome{
				cancelled.with(func(o *Outcome) { o.Provider = "nothing" }),
				cancelled.with(func(o *Outcome) { o.Carrier = "cancelled" }),
			},
		},
		{
			Name: "cancelled after reservation", PostalCode: "33333", Meanwhile: cancelWhenReserved,
			Want: cancelled.with(func(o *Outcome) { o.Carrier = "cancelled" }),
		},
		{
			Name: "cancelled after booking", PostalCode: "55555", Meanwhile: cancelWhenBooked,
			Want: cancelled.with(func(o *Outcome) { o.Carrier = "cancelled" }),
		},
		{
			Name: "cancelled after pick-up", PostalCode: "55555", Token: "tok_slow", Meanwhile: cancelWhenShipped,
			Want: completed.with(func(o *Outcome) {
				o.Mails = "cancellation-refused order-completed order-delivered order-received order-shipped"
			}),
		},
		{
			Name: "picked up by nobody", PostalCode: "55555", Hurried: true, Meanwhile: awaitDeadline,
			Want: cancelled.with(func(o *Outcome) { o.Carrier = "cancelled" }),
			// The way back may come to shipping before the reservation does.
			Also: []Outcome{cancelled},
		},
		{Name: "provider slow", Token: "tok_slow", Want: completed},
		{Name: "provider fails once", Token: "tok_fails_once", Want: completed},
		{Name: "provider does not answer authorize", Token: "tok_unanswered_authorize", Want: completed},
		{Name: "provider does not answer capture", Token: "tok_unanswered_capture", Want: completed},
		{
			Name: "provider does not answer void", Token: "tok_unanswered_void", PostalCode: "99999",
			Want: cancelled.with(func(o *Outcome) { o.Shipment = "failed" }),
		},
		{
			Name: "provider does not answer refund", Token: "tok_unanswered_refund", PostalCode: "99999", CaptureAtOnce: true,
			Want: refunded("failed", "nothing"),
		},
		{Name: "carrier fails once", PostalCode: "66666", Want: completed},
		{Name: "carrier does not answer", PostalCode: "88888", Want: completed},
		{Name: "webhook lost", PostalCode: "77777", Want: completed},
		{Name: "capture refused, retried", Token: "tok_refuse_capture", Meanwhile: retryPayment(client.StatusShipped), Want: completed},
		{
			Name: "capture refused", Token: "tok_refuse_capture",
			Want: completed.with(func(o *Outcome) {
				o.Order, o.Payment, o.Provider = "shipped! delivered", "authorized!", "authorized"
				o.Mails = "order-delivered order-received order-shipped"
			}),
		},
		{
			Name: "void refused, retried", Token: "tok_refuse_void", PostalCode: "99999", Meanwhile: retryPayment(client.StatusCancelling),
			Want: cancelled.with(func(o *Outcome) { o.Shipment = "failed" }),
		},
		{
			Name: "refund refused", Token: "tok_refuse_refund", PostalCode: "99999", CaptureAtOnce: true,
			Want: refunded("failed", "nothing").with(func(o *Outcome) {
				o.Order, o.Payment, o.Provider, o.Mails = "cancelling!", "captured!", "captured 1999", "order-received"
			}),
		},
		{
			Name: "refund refused, retried", Token: "tok_refuse_refund", PostalCode: "99999", CaptureAtOnce: true,
			Meanwhile: retryPayment(client.StatusCancelling), Want: refunded("failed", "nothing"),
		},
		{
			Name: "carrier refuses the cancellation, retried", PostalCode: "44444", Meanwhile: retryCancellation,
			Want: cancelled.with(func(o *Outcome) { o.Carrier = "cancelled" }),
		},
		{Name: "captured at once", CaptureAtOnce: true, Want: completed},
		{
			Name: "captured at once, refunded", CaptureAtOnce: true, PostalCode: "55555", Meanwhile: cancelWhenBooked,
			Want: refunded("cancelled", "cancelled"),
		},
		{
			Name: "captured at once, capture refused", CaptureAtOnce: true, Token: "tok_refuse_capture",
			Want: failed("").with(func(o *Outcome) { o.Provider = "voided" }),
		},
		{
			Name: "settled by hand", Token: "tok_refuse_refund", PostalCode: "99999", CaptureAtOnce: true, Meanwhile: resolve,
			Want: refunded("failed", "nothing").with(func(o *Outcome) {
				o.Payment, o.Provider, o.Mails = "captured", "captured 1999", "order-received order-resolved"
			}),
		},
	}
}

// failed is an order whose payment was refused; code is the provider's, empty where it refused only the capture.
func failed(code string) Outcome {
	o := cancelled.with(func(o *Outcome) {
		o.Payment, o.Reservation, o.Shipment = "failed", "waiting", "waiting"
		o.Provider, o.Mails = "declined", "order-cancelled order-received payment-failed"
	})
	if code != "" {
		o.Provider += " " + code
	}
	return o
}

// refunded is an order that was turned back after its money had been taken.
func refunded(shipment, carrier string) Outcome {
	return cancelled.with(func(o *Outcome) {
		o.Payment, o.Provider, o.Shipment, o.Carrier = "refunded", "refunded 1999", shipment, carrier
		o.Mails = "order-cancelled order-received payment-refunded"
	})
}
