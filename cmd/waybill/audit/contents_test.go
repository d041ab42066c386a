package audit_test

import (
	"reflect"
	"slices"
	"testing"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

// What a service keeps of a message is what was said, and no amount is another than the order's.
func TestContents(t *testing.T) {
	t.Parallel()
	money := func(amount int64, currency string) contracts.Money {
		return contracts.Money{Amount: amount, Currency: currency}
	}
	for _, tc := range []struct {
		name  string
		given audit.Evidence
		facts func(e *audit.Evidence) []es.Recorded
		was   es.Event
		is    es.Event
		then  []audit.Statement
	}{
		{"another total", completed(), ordersOf, order.Completed{Total: placed.Total}, order.Completed{Total: order.Money(money(1, "EUR"))},
			[]audit.Statement{audit.MoneyOwed, audit.AllSaid}},
		{"taken and noted otherwise", completed(), paymentOf, captured, payment.Captured{Amount: money(1, "EUR"), Payment: "pay_1"},
			[]audit.Statement{audit.MoneyOwed, audit.AllSaid}},
		{"taken in another currency", completed(), paymentOf, captured, payment.Captured{Amount: money(total.Amount, "USD"), Payment: "pay_1"},
			[]audit.Statement{audit.MoneyOwed, audit.AllSaid}},
		{"another amount requested", completed(), paymentOf, requested, payment.Requested{Amount: money(1, "EUR"), Token: "tok_ok"},
			[]audit.Statement{audit.BooksAgree, audit.AllSaid}},
		{"another token", completed(), paymentOf, requested, payment.Requested{Amount: total, Token: "tok_no"}, []audit.Statement{audit.AllSaid}},
		{"another amount heard", completed(), ordersOf, heardCaptured, order.PaymentCaptured{Amount: order.Money(money(1, "EUR")), ProviderReference: "pay_1"},
			[]audit.Statement{audit.AllSaid}},
		{"another name of the payment heard", completed(), ordersOf, heardAuthorized, order.PaymentAuthorized{Amount: order.Money(total), ProviderReference: "pay_2", HeardAt: t0},
			[]audit.Statement{audit.AllSaid}},
		{"another time of the pick-up heard", completed(), ordersOf, heardShipped, order.Shipped{Carrier: "C", TrackingNumber: "T1", PickedUpAt: later, HeardAt: t0},
			[]audit.Statement{audit.AllSaid}},
		{"another parcel picked up", completed(), shipmentOf, pickedUp, shipment.PickedUp{Booking: shipment.Booking{ID: booking.ID, Carrier: "C", TrackingNumber: "T2"}, At: t0},
			[]audit.Statement{audit.BooksAgree, audit.AllSaid}},
		{"another address", completed(), shipmentOf, shipmentHeard, shipment.OrderHeard{Address: shipment.Address{City: "Ulm"}, Lines: shipmentHeard.Lines},
			[]audit.Statement{audit.AllSaid}},
		{"other lines to pack", completed(), shipmentOf, shipmentHeard, shipment.OrderHeard{Lines: []shipment.Line{{SKU: "MUG", Quantity: 1}}},
			[]audit.Statement{audit.AllSaid}},
		{"a line more to pack", completed(), shipmentOf, shipmentHeard, shipment.OrderHeard{Lines: append(slices.Clone(shipmentHeard.Lines), shipment.Line{SKU: "CUP"})},
			[]audit.Statement{audit.AllSaid}},
		{"another contact", completed(), mailsOf, mail.ContactHeard{Name: "Ada", Email: "ada@example.com"}, mail.ContactHeard{Name: "Ada", Email: "eve@example.com"},
			[]audit.Statement{audit.AllSaid}},
		{"a mail of another price", completed(), mailsOf, mail.Due{Mail: mail.OrderCompleted, Detail: "EUR 49.98", MessageID: "order-completed"},
			mail.Due{Mail: mail.OrderCompleted, Detail: "EUR 49.89"}, []audit.Statement{audit.AllSaid}},
		{"a mail of another parcel", completed(), mailsOf, mail.Due{Mail: mail.OrderShipped, Detail: "C T1", MessageID: "order-shipped"},
			mail.Due{Mail: mail.OrderShipped, Detail: "C T2"}, []audit.Statement{audit.AllSaid}},
		{"a mail of another reason", cancelled(), mailsOf, mail.Due{Mail: mail.OrderCancelled, Detail: "changed my mind", MessageID: "order-cancelled"},
			mail.Due{Mail: mail.OrderCancelled, Detail: "x"}, []audit.Statement{audit.AllSaid}},
		{"a mail that says more", completed(), mailsOf, mail.Due{Mail: mail.OrderReceived, MessageID: "order-received"},
			mail.Due{Mail: mail.OrderReceived, Detail: "x"}, []audit.Statement{audit.AllSaid}},
		{"another code", unpaid(), ordersOf, order.PaymentAttentionRequired{Operation: "capture", Code: "capture_refused"},
			order.PaymentAttentionRequired{Operation: "capture", Code: "x"}, []audit.Statement{audit.AllSaid}},
		{"another outcome for shipping", settled(), shipmentOf, shipment.ResolutionHeard{Outcome: "completed"}, shipment.ResolutionHeard{Outcome: "cancelled"},
			[]audit.Statement{audit.AllSaid}},
		{"another outcome for inventory", settled(), reservationOf, stock.ResolutionHeard{Outcome: stock.OutcomeCompleted},
			stock.ResolutionHeard{Outcome: stock.OutcomeCancelled}, []audit.Statement{audit.AllSaid}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			facts := tc.facts(&tc.given)
			i := slices.IndexFunc(facts, func(f es.Recorded) bool { return reflect.DeepEqual(f.Event, tc.was) })
			if i < 0 {
				t.Fatalf("there is no %#v", tc.was)
			}
			facts[i].Event = tc.is
			given{t, tc.given}.then(tc.then...)
		})
	}
	t.Run("another total than the lines'", func(t *testing.T) {
		t.Parallel()
		e := completed()
		wrong := placed
		wrong.Lines = slices.Clone(placed.Lines)
		wrong.Lines[0].UnitPrice.Amount--
		e.Orders[0].Event = wrong
		given{t, e}.then(audit.MoneyOwed)
	})
}

func ordersOf(e *audit.Evidence) []es.Recorded      { return e.Orders }
func paymentOf(e *audit.Evidence) []es.Recorded     { return e.Payment }
func reservationOf(e *audit.Evidence) []es.Recorded { return e.Reservation }
func shipmentOf(e *audit.Evidence) []es.Recorded    { return e.Shipment }
func mailsOf(e *audit.Evidence) []es.Recorded       { return e.Mails }
