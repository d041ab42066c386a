package ways

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"waybill.dev/cmd/waybill/client"
)

// Walk is an order on its way.
type Walk struct {
	Way  Way
	Shop *client.Client
	// Order is the order's id.
	Order string

	// skus are the articles, of which no other order has any, and stocked how many there were.
	skus    []string
	stocked int64
}

// Personal is what a walk says of its customer and nobody else may: whoever looks for leaks looks for these.
type Personal struct{ Name, Email, Street string }

// Customer is the customer of every walk.
var Customer = Personal{Name: "Zebediah Quillfeather", Email: "zebediah@quillfeather.example", Street: "17 Umbrella Passage"}

// Place stocks the shelves and places the way's order.
func Place(ctx context.Context, way Way, shop *client.Client) (*Walk, error) {
	w := &Walk{Way: way, Shop: shop}
	lines := way.Lines
	if len(lines) == 0 {
		lines = []Line{{Stocked: 1, Quantity: 1}}
	}
	order := client.NewOrder{
		Customer: client.Customer{ID: "zebediah", Name: Customer.Name, Email: Customer.Email},
		ShippingAddress: client.Address{
			Name: Customer.Name, Line1: Customer.Street, City: "Berlin", PostalCode: or(way.PostalCode, "10115"), Country: "DE",
		},
		Payment: client.Card{Method: "card", Token: or(way.Token, "tok_ok")},
	}
	for _, l := range lines {
		sku := "WAY-" + rand.Text()[:12]
		w.skus = append(w.skus, sku)
		if w.stocked += l.Stocked; l.Stocked > 0 {
			if _, err := shop.Receive(ctx, sku, l.Stocked, "delivery-1"); err != nil {
				return nil, err
			}
		}
		order.Lines = append(order.Lines, client.Line{
			SKU: sku, Name: "Article " + sku, Quantity: l.Quantity, UnitPrice: client.Money{Amount: price, Currency: "EUR"},
		})
	}
	placed, err := shop.PlaceOrder(ctx, order)
	if err != nil {
		return nil, err
	}
	w.Order = placed.ID
	return w, nil
}

// Finish does what people do meanwhile and waits until things stand as the way wants them, or the context ends. It
// returns how they stand then, which differs from what the way wants where there is an error.
func (w *Walk) Finish(ctx context.Context) (Outcome, error) {
	if w.Way.Meanwhile != nil {
		if err := w.Way.Meanwhile(ctx, w); err != nil {
			got, _ := w.Look(context.WithoutCancel(ctx))
			return got, err
		}
	}
	var got Outcome
	err := client.Await(ctx, func(ctx context.Context) error {
		seen, err := w.Look(ctx)
		if err != nil {
			return err
		}
		if got = seen; !w.Way.Right(got) {
			return errors.New("things do not stand as they should")
		}
		return nil
	})
	return got, err
}

// Look sees how things stand.
func (w *Walk) Look(ctx context.Context) (Outcome, error) {
	var o Outcome
	for _, look := range []func(context.Context, *Outcome) error{w.order, w.payment, w.provider, w.stock, w.shipment, w.carrier, w.mails} {
		if err := look(ctx, &o); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (w *Walk) order(ctx context.Context, o *Outcome) error {
	order, err := w.Shop.Order(ctx, w.Order)
	if err != nil {
		return err
	}
	o.Order = attended(order.Status, order.Attention)
	if order.Shipment != nil && !order.Shipment.DeliveredAt.IsZero() {
		o.Order += " delivered"
	}
	return nil
}

func (w *Walk) payment(ctx context.Context, o *Outcome) error {
	payment, err := w.Shop.Payment(ctx, w.Order)
	o.Payment = attended(payment.Status, payment.Attention)
	return orUnknown(err, &o.Payment)
}

func (w *Walk) provider(ctx context.Context, o *Outcome) error {
	payments, err := w.Shop.ProviderPayments(ctx, w.Order)
	if err != nil {
		return err
	}
	var all []string
	for _, p := range payments {
		said := p.Status
		switch {
		case p.Refunded > 0:
			said = fmt.Sprintf("%s %d", p.Status, p.Refunded)
		case p.Captured > 0:
			said = fmt.Sprintf("%s %d", p.Status, p.Captured)
		case p.Status == "declined" && len(p.Operations) > 0:
			said += " " + p.Operations[0].Code
		}
		all = append(all, said)
	}
	o.Provider = or(strings.Join(all, ", "), "nothing")
	return nil
}

func (w *Walk) stock(ctx context.Context, o *Outcome) error {
	reservation, err := w.Shop.Reservation(ctx, w.Order)
	o.Reservation = reservation.Status
	if err := orUnknown(err, &o.Reservation); err != nil {
		return err
	}
	left, reserved := int64(0), int64(0)
	for _, sku := range w.skus {
		level, err := w.Shop.Stock(ctx, sku)
		if err != nil && !unknown(err) {
			return err
		}
		left, reserved = left+level.OnHand, reserved+level.Reserved
	}
	o.Stock = fmt.Sprintf("%d sold, %d reserved", w.stocked-left, reserved)
	return nil
}

func (w *Walk) shipment(ctx context.Context, o *Outcome) error {
	shipment, err := w.Shop.Shipment(ctx, w.Order)
	o.Shipment = attended(shipment.Status, shipment.Attention)
	return orUnknown(err, &o.Shipment)
}

func (w *Walk) carrier(ctx context.Context, o *Outcome) error {
	bookings, err := w.Shop.CarrierBookings(ctx, w.Order)
	if err != nil {
		return err
	}
	var all []string
	for _, b := range bookings {
		all = append(all, string(b.Status))
	}
	o.Carrier = or(strings.Join(all, ", "), "nothing")
	return nil
}

// mails are those that the mailbox has and notifications calls sent; a second copy of one is the same mail.
func (w *Walk) mails(ctx context.Context, o *Outcome) error {
	taken, err := w.Shop.Mails(ctx, w.Order)
	if err != nil {
		return err
	}
	notes, err := w.Shop.Notifications(ctx, w.Order)
	if err != nil {
		return err
	}
	kinds := []string{}
	for _, n := range notes {
		for _, m := range taken {
			if n.Status == "sent" && m.MessageID == n.MessageID && slices.Contains(m.To, Customer.Email) {
				kinds = append(kinds, n.Kind)
				break
			}
		}
	}
	slices.Sort(kinds)
	o.Mails = strings.Join(kinds, " ")
	return nil
}

func attended(status, attention string) string {
	if attention != "" {
		return status + "!"
	}
	return status
}

// orUnknown takes a service's not knowing of the order yet as what it says of it.
func orUnknown(err error, says *string) error {
	if unknown(err) {
		*says = "unknown"
		return nil
	}
	return err
}

func unknown(err error) bool {
	var problem *client.Problem
	return errors.As(err, &problem) && problem.Status == http.StatusNotFound
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
