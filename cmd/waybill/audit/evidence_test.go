package audit_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
	"waybill.dev/simulators/carrier"
	"waybill.dev/simulators/provider"
)

const (
	tenant = "acme"
	id     = "o-1"
)

var (
	t0    = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	later = t0.Add(30 * 24 * time.Hour)
	total = contracts.Money{Amount: 4998, Currency: "EUR"}

	booking = shipment.Booking{ID: "bkg_1", Carrier: "C", TrackingNumber: "T1"}
	placed  = order.Placed{
		PlacedAt: t0, Customer: order.Customer{ID: "c-1", Name: "Ada", Email: "ada@example.com"},
		Lines: []order.Line{{SKU: "MUG", Name: "Mug", Quantity: 2, UnitPrice: order.Money{Amount: 2499, Currency: "EUR"}}},
		Total: order.Money(total), Payment: order.Payment{Method: "card", Token: "tok_ok"},
		Deadlines: order.Deadlines{
			Authorization: minutes(15), Reservation: minutes(15), Shipment: minutes(60), Capture: minutes(60), Cancellation: minutes(60),
		},
	}
)

func minutes(n int) order.Duration { return order.Duration(time.Duration(n) * time.Minute) }

// recorded are facts as a log keeps them.
func recorded[E es.Event](service string, stream es.StreamID, events ...E) []es.Recorded {
	facts := make([]es.Recorded, 0, len(events))
	for i, e := range events {
		facts = append(facts, es.Recorded{
			ID: fmt.Sprintf("%s-%d", service, i+1), Stream: stream, Version: int64(i + 1), Event: e, At: t0.Add(time.Duration(i) * time.Second),
		})
	}
	return facts
}

func orders(events ...order.Event) []es.Recorded {
	return recorded("orders", order.Category.Stream(tenant, id), events...)
}

func payments(events ...payment.Fact) []es.Recorded {
	return recorded("payments", payment.Category.Stream(tenant, id), events...)
}

func reservation(events ...stock.ReservationEvent) []es.Recorded {
	return recorded("inventory", stock.Reservations.Stream(tenant, id), events...)
}

func shipping(events ...shipment.Event) []es.Recorded {
	return recorded("shipping", shipment.Category.Stream(tenant, id), events...)
}

func mails(events ...mail.Event) []es.Recorded {
	return recorded("notifications", mail.Streams.Stream(tenant, id), events...)
}

func attempted(op payment.Operation, n int) payment.Attempted {
	return payment.Attempted{Operation: op, Number: n, Key: key(op, n), At: t0}
}

func key(op payment.Operation, n int) string { return fmt.Sprintf("%s/%s/%s/%d", tenant, id, op, n) }

func operation(op payment.Operation, status, code string) provider.OperationRecord {
	return provider.OperationRecord{Key: key(op, 0), Operation: provider.OperationKind(op), Status: status, Code: code}
}

// charge is a payment in the provider's books.
func charge(status string, captured, refunded int64, operations ...provider.OperationRecord) provider.Payment {
	return provider.Payment{
		ID: "pay_1", Reference: tenant + "/" + id, Amount: provider.Money(total), Status: status, Authorized: total.Amount,
		Captured: captured, Refunded: refunded, Held: status == "authorized",
		Operations: append([]provider.OperationRecord{operation(payment.Authorize, "succeeded", "")}, operations...),
	}
}

func parcel(status carrier.Status) carrier.Booking {
	return carrier.Booking{ID: booking.ID, Reference: tenant + "/" + id, TrackingNumber: booking.TrackingNumber, Carrier: "C", Status: status}
}

// told are the mails that were owed and sent.
func told(kinds ...mail.Kind) []es.Recorded {
	events := []mail.Event{mail.ContactHeard{Name: "Ada", Email: "ada@example.com"}}
	details := map[mail.Kind]string{
		mail.OrderShipped: "C T1", mail.OrderCompleted: "EUR 49.98", mail.OrderCancelled: "changed my mind", mail.OrderResolved: "completed",
	}
	for _, k := range kinds {
		events = append(events, mail.Due{Mail: k, Detail: details[k], MessageID: string(k)}, mail.Sent{Mail: k})
	}
	return mails(events...)
}

var (
	requested       = payment.Requested{Amount: total, Token: "tok_ok"}
	authorized      = payment.Authorized{Amount: total, Payment: "pay_1"}
	captured        = payment.Captured{Amount: total, Payment: "pay_1"}
	orderHeard      = stock.OrderHeard{Lines: []stock.Line{{SKU: "MUG", Quantity: 2}}}
	asked           = shipment.Attempted{Operation: shipment.Book, Key: tenant + "/" + id + "/book/0"}
	heardAuthorized = order.PaymentAuthorized{Amount: order.Money(total), ProviderReference: "pay_1", HeardAt: t0}
	heardCaptured   = order.PaymentCaptured{Amount: order.Money(total), ProviderReference: "pay_1"}
	heardShipped    = order.Shipped{Carrier: "C", TrackingNumber: "T1", PickedUpAt: t0, HeardAt: t0}
	shipmentHeard   = shipment.OrderHeard{Lines: []shipment.Line{{SKU: "MUG", Quantity: 2}}}
	pickedUp        = shipment.PickedUp{Booking: booking, At: t0}
)

// said puts on Kafka what the facts have made due.
func said(e audit.Evidence) audit.Evidence {
	e.Tenant, e.Order, e.At, e.Said = tenant, id, later, nil
	for _, m := range e.Judge().Due {
		e.Said = append(e.Said, audit.Copy{ID: m.ID, Topic: m.Data.Type().Topic(), Source: m.Source, Sequence: m.Sequence})
	}
	return e
}

// completed is an order that was shipped and paid.
func completed() audit.Evidence {
	return said(audit.Evidence{
		Orders: orders(placed, heardAuthorized, order.StockReserved{HeardAt: t0}, heardShipped,
			heardCaptured, order.Completed{Total: placed.Total}),
		Payment:     payments(requested, attempted(payment.Authorize, 0), authorized, payment.ShipmentHeard{}, attempted(payment.Capture, 0), captured),
		Reservation: reservation(orderHeard, stock.PaymentHeard{}, stock.ReservationMade{}, stock.ShipmentHeard{}, stock.ReservationShipped{}),
		Shipment:    shipping(shipmentHeard, shipment.StockReservedHeard{}, asked, shipment.Booked{Booking: booking}, pickedUp),
		Mails:       told(mail.OrderReceived, mail.OrderShipped, mail.OrderCompleted),
		Charges:     []provider.Payment{charge("captured", total.Amount, 0, operation(payment.Capture, "succeeded", ""))},
		Parcels:     []carrier.Booking{parcel(carrier.PickedUp)},
	})
}

// cancelled is an order that was booked, cancelled, and voided.
func cancelled() audit.Evidence {
	return said(audit.Evidence{
		Orders: orders(placed, heardAuthorized, order.StockReserved{HeardAt: t0},
			order.CancellationRequested{RequestedBy: order.ByCustomer, RequestedAt: t0}, order.ShipmentCancelled{HeardAt: t0},
			order.StockReleased{HeardAt: t0}, order.PaymentVoided{}, order.Cancelled{Reason: "changed my mind"}),
		Payment: payments(requested, attempted(payment.Authorize, 0), authorized, payment.WayBackHeard{Cause: payment.StockReleased},
			attempted(payment.Void, 0), payment.Voided{Reference: "void_1"}),
		Reservation: reservation(orderHeard, stock.PaymentHeard{}, stock.ReservationMade{}, stock.ShipmentCancellationHeard{},
			stock.ReservationReleased{Cause: stock.CauseShipmentCancelled}),
		Shipment: shipping(shipmentHeard, shipment.StockReservedHeard{}, asked, shipment.Booked{Booking: booking}, shipment.CancellationHeard{},
			shipment.Attempted{Operation: shipment.Cancel, Key: tenant + "/" + id + "/cancel/0"}, shipment.Cancelled{}),
		Mails:   told(mail.OrderReceived, mail.OrderCancelled),
		Charges: []provider.Payment{charge("voided", 0, 0, operation(payment.Void, "succeeded", ""))},
		Parcels: []carrier.Booking{parcel(carrier.Cancelled)},
	})
}

// outOfStock is an order that could not be reserved, and was voided.
func outOfStock() audit.Evidence {
	e := audit.Evidence{
		Orders: orders(placed, heardAuthorized,
			order.StockReservationFailed{Shortages: []order.Shortage{{SKU: "MUG", Wanted: 2, Available: 1}}, HeardAt: t0},
			order.PaymentVoided{}, order.Cancelled{Reason: "out_of_stock"}),
		Payment: payments(requested, attempted(payment.Authorize, 0), authorized, payment.WayBackHeard{Cause: payment.StockReservationFailed},
			attempted(payment.Void, 0), payment.Voided{Reference: "void_1"}),
		Reservation: reservation(orderHeard, stock.PaymentHeard{},
			stock.ReservationFailed{Shortages: []stock.Shortage{{SKU: "MUG", Wanted: 2, Available: 1}}}),
		Shipment: shipping(shipmentHeard),
		Mails:    told(mail.OrderReceived, mail.OrderCancelled),
		Charges:  []provider.Payment{charge("voided", 0, 0, operation(payment.Void, "succeeded", ""))},
	}
	e.Mails[3].Event = mail.Due{Mail: mail.OrderCancelled, Detail: "out_of_stock"}
	return said(e)
}

// unpaid is an order that was shipped, and whose capture was refused.
func unpaid() audit.Evidence {
	return said(audit.Evidence{
		Orders: orders(placed, heardAuthorized, order.StockReserved{HeardAt: t0}, heardShipped,
			order.PaymentAttentionRequired{Operation: "capture", Code: "capture_refused"}),
		Payment: payments(requested, attempted(payment.Authorize, 0), authorized, payment.ShipmentHeard{}, attempted(payment.Capture, 0),
			payment.Refused{Operation: payment.Capture, Code: "capture_refused", Attention: true}),
		Reservation: reservation(orderHeard, stock.PaymentHeard{}, stock.ReservationMade{}, stock.ShipmentHeard{}, stock.ReservationShipped{}),
		Shipment:    shipping(shipmentHeard, shipment.StockReservedHeard{}, asked, shipment.Booked{Booking: booking}, pickedUp),
		Mails:       told(mail.OrderReceived, mail.OrderShipped),
		Charges:     []provider.Payment{charge("authorized", 0, 0, operation(payment.Capture, "refused", "capture_refused"))},
		Parcels:     []carrier.Booking{parcel(carrier.PickedUp)},
	})
}

// settled is an order that was shipped and not paid, and that an operator has settled as completed.
func settled() audit.Evidence {
	e := unpaid()
	with(&e.Orders, order.Resolved{Outcome: order.OutcomeCompleted, ResolvedBy: "night shift"})(&e)
	with(&e.Payment, payment.ResolutionHeard{})(&e)
	with(&e.Reservation, stock.ResolutionHeard{Outcome: stock.OutcomeCompleted})(&e)
	with(&e.Shipment, shipment.ResolutionHeard{Outcome: "completed"})(&e)
	e.Mails = told(mail.OrderReceived, mail.OrderShipped, mail.OrderResolved)
	return said(e)
}

// underWay is an order whose parcel waits to be picked up.
func underWay() audit.Evidence {
	e := said(audit.Evidence{
		Orders:      orders(placed, heardAuthorized, order.StockReserved{HeardAt: t0}),
		Payment:     payments(requested, attempted(payment.Authorize, 0), authorized),
		Reservation: reservation(orderHeard, stock.PaymentHeard{}, stock.ReservationMade{}),
		Shipment:    shipping(shipmentHeard, shipment.StockReservedHeard{}, asked, shipment.Booked{Booking: booking}),
		Mails:       told(mail.OrderReceived),
		Charges:     []provider.Payment{charge("authorized", 0, 0)},
		Parcels:     []carrier.Booking{parcel(carrier.Booked)},
	})
	e.At = t0.Add(time.Minute)
	return e
}

// given is evidence that a test damages.
type given struct {
	t *testing.T
	audit.Evidence
}

func (g given) when(damage func(*audit.Evidence)) given {
	damage(&g.Evidence)
	return g
}

// then expects that just these statements do not hold.
func (g given) then(want ...audit.Statement) {
	g.t.Helper()
	findings := g.Judge().Findings
	var got []audit.Statement
	for _, f := range findings {
		if f.Tenant != tenant || f.Subject != id || f.Evidence == "" {
			g.t.Errorf("a finding that says nothing: %+v", f)
		}
		got = append(got, f.Statement)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, slices.Compact(got), cmpopts.EquateEmpty()); diff != "" {
		g.t.Errorf("statements (-want +got):\n%s%v", diff, findings)
	}
}
