package world

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/platform/server"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/orders/order"
	"waybill.dev/simulators/carrier"
	"waybill.dev/simulators/provider"
)

// The tenants: Plain has the built-in settings, AtOnce captures as soon as the money is held.
const (
	Plain  = "default"
	AtOnce = "at-once"
)

// Way is one way that orders of a world go.
type Way struct {
	Name string
	// Share is how many of the orders go it, among the shares of all ways.
	Share int
	// Variants are how many times it is decided, each with what happens in another order; 0 is once.
	Variants int

	tenant     string
	token      provider.Token
	postalCode string
	lines      []order.Line
	deadlines  order.Deadlines
	// soldOut says that the order is of an article that was never received.
	soldOut bool
	// then is what happens once it was placed.
	then []act
}

// act is something that a person, the carrier or the time does, with all that follows from it.
type act func(context.Context, *walk) error

// walk is an order on its way.
type walk struct {
	*engine
	way        Way
	tenant, id string
}

// The names of the ways that tests look for.
const (
	Completed        = "completed"
	Cancelled        = "cancelled after booking"
	TooLate          = "cancelled after pick-up"
	Refunded         = "captured at once, refunded"
	CaptureRefused   = "capture refused"
	SettledByHand    = "settled by hand"
	RefusedTwice     = "capture refused twice"
	NotYetAuthorized = "not yet authorized"
)

// Ways are ways that end: what is due has been done, or a person must look.
func Ways() []Way {
	return []Way{
		{Name: Completed, Share: 50, Variants: 4, then: []act{settle, pickUp, deliver}},
		{Name: "completed, several lines", Share: 10, Variants: 2, lines: lines(2, 3, 1), then: []act{settle, pickUp, deliver}},
		{Name: "provider does not answer capture", Share: 5, token: provider.TokenUnansweredCapture, then: []act{settle, pickUp, deliver}},
		{Name: "declined", Share: 3, token: provider.TokenDeclined, then: []act{settle}},
		{Name: "out of stock", Share: 3, soldOut: true, then: []act{settle}},
		{Name: "carrier refuses", Share: 3, postalCode: carrier.PostalCodeRefused, Variants: 2, then: []act{settle}},
		{Name: "cancelled at once", Share: 3, Variants: 4, then: []act{cancel}},
		{Name: Cancelled, Share: 3, Variants: 2, then: []act{settle, cancel}},
		{Name: TooLate, Share: 2, then: []act{settle, pickUpUnheard, cancel, deliver}},
		{Name: "picked up by nobody", Share: 1, deadlines: order.Deadlines{Shipment: order.Duration(time.Millisecond)}, then: []act{settle, expire}},
		{Name: "captured at once", Share: 3, tenant: AtOnce, then: []act{settle, pickUp, deliver}},
		{Name: Refunded, Share: 2, tenant: AtOnce, Variants: 2, then: []act{settle, cancel}},
		{Name: "captured at once, capture refused", Share: 1, tenant: AtOnce, token: provider.TokenRefuseCapture, then: []act{settle}},
		{Name: CaptureRefused, Share: 1, token: provider.TokenRefuseCapture, then: []act{settle, pickUp, deliver}},
		{Name: RefusedTwice, Share: 1, token: provider.TokenRefuseCapture, then: []act{settle, pickUp, deliver, retryPayment}},
		{Name: "capture refused, retried", Share: 1, token: provider.TokenRefuseCapture, then: []act{settle, pickUp, deliver, allowPayment, retryPayment}},
		{
			Name: "void refused, retried", Share: 1, token: provider.TokenRefuseVoid, postalCode: carrier.PostalCodeRefused,
			then: []act{settle, allowPayment, retryPayment},
		},
		{
			Name: "carrier refuses the cancellation, retried", Share: 1, postalCode: carrier.PostalCodeKept,
			then: []act{settle, cancel, allowCancellation, retryShipment},
		},
		{
			Name: SettledByHand, Share: 1, tenant: AtOnce, token: provider.TokenRefuseRefund, postalCode: carrier.PostalCodeRefused,
			then: []act{settle, resolve},
		},
	}
}

// Unfinished are ways that have not come to their end.
func Unfinished() []Way {
	return []Way{{Name: NotYetAuthorized, Share: 1}}
}

func lines(quantities ...int64) []order.Line {
	var all []order.Line
	for i, q := range quantities {
		all = append(all, order.Line{
			SKU: templateSKU(i), Name: "Article", Quantity: q, UnitPrice: order.Money{Amount: 1999, Currency: "EUR"},
		})
	}
	return all
}

// place puts the order, and what it wants on the shelves.
func (w *walk) place() error {
	all := w.way.lines
	if all == nil {
		all = lines(1)
	}
	if w.way.soldOut {
		all[0].SKU = "SOLD-OUT"
	}
	code := w.way.postalCode
	if code == "" {
		code = carrier.PostalCodeManual // the parcel moves when it is told to
	}
	token := w.way.token
	if token == "" {
		token = provider.TokenOK
	}
	deadlines := w.way.deadlines
	d := server.DefaultSettings().Deadlines
	for _, v := range []struct {
		to   *order.Duration
		from time.Duration
	}{
		{&deadlines.Authorization, d.Authorization}, {&deadlines.Reservation, d.Reservation}, {&deadlines.Shipment, d.Shipment},
		{&deadlines.Capture, d.Capture}, {&deadlines.Cancellation, d.Cancellation},
	} {
		if *v.to == 0 {
			*v.to = order.Duration(v.from)
		}
	}
	return w.verb(order.Place{
		At:       now(),
		Customer: order.Customer{ID: "customer-1", Name: "Ada Lovelace", Email: "ada@example.com"},
		Lines:    all,
		ShippingAddress: order.Address{
			Name: "Ada Lovelace", Line1: "12 St James's Square", City: "London", PostalCode: code, Country: "GB",
		},
		Payment:   order.Payment{Method: order.MethodCard, Token: string(token)},
		Deadlines: deadlines,
	})
}

// stockUp receives what the ways' orders want, and forgets that it did: the shelves are the world's own.
func (w *walk) stockUp() error {
	for i := range shelvesPerOrder {
		c := stock.Receive{Tenant: w.tenant, SKU: templateSKU(i), Quantity: 100, Reference: "delivery"}.Command()
		if err := w.run(suite.Inventory, c, newMeta(), now()); err != nil {
			return err
		}
	}
	w.facts, w.projected = nil, nil
	return nil
}

// walkWay lets an order go the way and returns it at its end.
func walkWay(ctx context.Context, e *engine, way Way) (*walk, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	w := &walk{engine: e, way: way, tenant: way.tenant, id: id.String()}
	if w.tenant == "" {
		w.tenant = Plain
	}
	if err := w.stockUp(); err != nil {
		return nil, err
	}
	if err := w.place(); err != nil {
		return nil, err
	}
	for _, a := range way.then {
		if err := a(ctx, w); err != nil {
			return nil, fmt.Errorf("%s: %w", way.Name, err)
		}
	}
	return w, nil
}
