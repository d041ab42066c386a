package saga

import (
	"context"
	"slices"
	"strings"
	"testing"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/simulators/carrier"
	"waybill.dev/simulators/provider"
)

// checkBooks holds all orders of a tenant, at rest, against what must be true of any, and our books against those of
// the outside.
func checkBooks(t *testing.T, shop *client.Client) {
	t.Helper()
	ctx := t.Context()
	reserved := map[string]int64{}
	known := map[string]bool{}
	for _, listed := range allOrders(ctx, t, shop) {
		known[shop.Tenant()+"/"+listed.ID] = true
		a := readAccount(ctx, t, shop, listed.ID)
		a.check(t)
		if o := a.order; listed.Status != o.Status || listed.Attention != o.Attention || listed.Total != o.Total {
			t.Errorf("order %s: it is listed as %+v, and is %+v", o.ID, listed, o)
		}
		if a.reservation.Status == "reserved" {
			for _, line := range a.reservation.Lines {
				reserved[line.SKU] += line.Quantity
			}
		}
	}

	for _, l := range must(shop.AllStock(ctx))(t) {
		if folded := must(shop.Stock(ctx, l.SKU))(t); folded != l {
			t.Errorf("SKU %s: it is listed as %+v, and is %+v", l.SKU, l, folded)
		}
		if l.Reserved < 0 || l.Reserved > l.OnHand || l.Reserved != reserved[l.SKU] {
			t.Errorf("SKU %s: %d are on hand, %d reserved, and orders have reserved %d", l.SKU, l.OnHand, l.Reserved, reserved[l.SKU])
		}
	}
	for _, p := range must(shop.ProviderPayments(ctx, ""))(t) {
		if !known[p.Reference] {
			t.Errorf("the provider has a payment of %s, which is none of our orders", p.Reference)
		}
	}
	for _, b := range must(shop.CarrierBookings(ctx, ""))(t) {
		if !known[b.Reference] {
			t.Errorf("the carrier has a parcel of %s, which is none of our orders", b.Reference)
		}
	}
	for _, service := range suite.ServiceNames() {
		for _, p := range must(shop.Parked(ctx, service))(t) {
			t.Errorf("%s has parked %s of %s: %s", service, p.EventType, p.Subject, p.Error)
		}
	}
}

func allOrders(ctx context.Context, t *testing.T, shop *client.Client) []client.OrderSummary {
	t.Helper()
	var all []client.OrderSummary
	for cursor := ""; ; {
		page := must(shop.Orders(ctx, client.OrderFilter{Cursor: cursor, Limit: 200}))(t)
		all = append(all, page.Items...)
		if cursor = page.NextCursor; cursor == "" {
			return all
		}
	}
}

// account is all that anybody knows of an order.
type account struct {
	order       client.Order
	history     []client.Fact
	payment     client.Payment
	charges     []provider.Payment
	reservation client.Reservation
	shipment    client.Shipment
	parcels     []carrier.Booking
	mails       []client.Notification
	received    []string // the message ids of the mails in the mailbox
}

func readAccount(ctx context.Context, t *testing.T, shop *client.Client, id string) account {
	t.Helper()
	a := account{
		order: must(shop.Order(ctx, id))(t), history: must(shop.History(ctx, id))(t),
		payment: must(shop.Payment(ctx, id))(t), charges: must(shop.ProviderPayments(ctx, id))(t),
		reservation: must(shop.Reservation(ctx, id))(t),
		shipment:    must(shop.Shipment(ctx, id))(t), parcels: must(shop.CarrierBookings(ctx, id))(t),
		mails: must(shop.Notifications(ctx, id))(t),
	}
	for _, m := range must(shop.Mails(ctx, id))(t) {
		a.received = append(a.received, m.MessageID)
	}
	return a
}

func (a account) check(t *testing.T) {
	t.Helper()
	fail := func(format string, values ...any) {
		t.Helper()
		t.Errorf("order %s: "+format, append([]any{a.order.ID}, values...)...)
	}
	a.checkEnd(fail)
	a.checkMoney(fail)
	a.checkParcel(fail)
	a.checkMails(fail)
	// What an order with attention may leave open is a person's to settle.
	if a.order.Attention == "" && !a.has("order.resolved") {
		a.checkAgreement(fail)
	}
}

// checkEnd: an order comes to one end, or shows attention.
func (a account) checkEnd(fail func(string, ...any)) {
	ends := 0
	for _, f := range a.history {
		switch f.Kind {
		case "order.completed", "order.cancelled", "order.resolved":
			ends++
		}
	}
	switch {
	case a.order.Ended() && (ends != 1 || a.order.Attention != ""):
		fail("it is %s by %d facts, with attention %q", a.order.Status, ends, a.order.Attention)
	case !a.order.Ended() && (ends != 0 || a.order.Attention == ""):
		fail("it is %s and rests, by %d facts, without attention", a.order.Status, ends)
	}
}

// checkMoney: the provider knows of what payments knows, and of nothing else.
func (a account) checkMoney(fail func(string, ...any)) {
	if len(a.charges) > 1 {
		fail("the provider has %d payments", len(a.charges))
		return
	}
	charge := provider.Payment{}
	if len(a.charges) == 1 {
		charge = a.charges[0]
	}
	if a.payment.Captured.Amount != charge.Captured || a.payment.Refunded.Amount != charge.Refunded {
		fail("payments has captured %d and refunded %d, the provider %d and %d",
			a.payment.Captured.Amount, a.payment.Refunded.Amount, charge.Captured, charge.Refunded)
	}
	if held := a.payment.Status == "authorized"; held != charge.Held {
		fail("the payment is %s, and the provider holds money: %v", a.payment.Status, charge.Held)
	}
	for _, o := range charge.Operations {
		if !slices.ContainsFunc(a.payment.Attempts, func(p client.PaymentAttempt) bool { return p.Key == o.Key }) {
			fail("the provider was asked to %s under the key %s, which payments does not know", o.Operation, o.Key)
		}
	}
}

// checkParcel: the carrier knows of what shipping knows, and of nothing else.
func (a account) checkParcel(fail func(string, ...any)) {
	if len(a.parcels) > 1 {
		fail("the carrier has %d bookings", len(a.parcels))
		return
	}
	status, tracking := "nothing", ""
	if len(a.parcels) == 1 {
		status, tracking = string(a.parcels[0].Status), a.parcels[0].TrackingNumber
	}
	agree := map[string][]string{
		"waiting": {"nothing"}, "booked": {"booked"}, "shipped": {"picked_up"}, "delivered": {"delivered"},
		"cancelling": {"booked"}, "cancelled": {"nothing", "cancelled"}, "failed": {"nothing"},
	}[a.shipment.Status]
	if !slices.Contains(agree, status) {
		fail("the shipment is %s, and the carrier's parcel %s", a.shipment.Status, status)
	}
	if (status == "picked_up" || status == "delivered") && a.shipment.TrackingNumber != tracking {
		fail("the parcel's number is %s for us and %s for the carrier", a.shipment.TrackingNumber, tracking)
	}
}

// checkMails: every mail that was owed has been sent, and none that was not.
func (a account) checkMails(fail func(string, ...any)) {
	owed := map[string]bool{}
	for _, m := range a.mails {
		owed[m.MessageID] = true
		if m.Status != "sent" || !slices.Contains(a.received, m.MessageID) {
			fail("the mail %s is %s, and these are in the mailbox: %s", m.Kind, m.Status, strings.Join(a.received, " "))
		}
	}
	for _, id := range a.received {
		if !owed[id] {
			fail("the mailbox has the mail %s, which nobody owed", id)
		}
	}
}

// checkAgreement: money, stock and parcel go where the order went.
func (a account) checkAgreement(fail func(string, ...any)) {
	completed := a.order.Status == client.StatusCompleted
	var owed, kept int64
	if completed {
		owed = a.order.Total.Amount
	}
	for _, c := range a.charges {
		kept += c.Captured - c.Refunded
		if c.Held {
			fail("it is %s, and the provider still holds money", a.order.Status)
		}
	}
	if kept != owed {
		fail("it is %s of %d, and the provider has taken %d", a.order.Status, a.order.Total.Amount, kept)
	}
	gone := slices.ContainsFunc(a.parcels, func(b carrier.Booking) bool { return b.Status == carrier.PickedUp || b.Status == carrier.Delivered })
	if gone != completed {
		fail("it is %s, and the carrier has the parcel or had it: %v", a.order.Status, gone)
	}
	if shipped := a.reservation.Status == "shipped"; shipped != completed || a.reservation.Status == "reserved" {
		fail("it is %s, and its stock %s", a.order.Status, a.reservation.Status)
	}
	if a.has("order.cancellation-requested") && a.order.Status != client.StatusCancelled && !a.has("order.cancellation-refused") {
		fail("its cancellation has not been answered")
	}
}

func (a account) has(kind string) bool {
	return slices.ContainsFunc(a.history, func(f client.Fact) bool { return f.Kind == kind })
}

// must is the value of a call that must not fail.
func must[V any](v V, err error) func(*testing.T) V {
	return func(t *testing.T) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
