package order_test

import (
	"testing"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	"waybill.dev/services/orders/order"
)

// The order that the tests are about: two lines, 2 × 19.99 + 1 × 5.00.
const (
	tenant = "acme"
	id     = "0198a1b2-0000-7000-8000-000000000001"
)

var (
	t0        = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	heardAt   = t0.Add(30 * time.Second)
	deadlines = order.Deadlines{
		Authorization: order.Duration(2 * time.Minute), Reservation: order.Duration(3 * time.Minute),
		Shipment: order.Duration(48 * time.Hour), Capture: order.Duration(time.Hour), Cancellation: order.Duration(90 * time.Minute),
	}
	total  = order.Money{Amount: 4498, Currency: "EUR"}
	stream = order.Category.Stream(tenant, id)
)

func place() order.Place {
	return order.Place{
		At:       t0,
		Customer: order.Customer{ID: "c-1", Name: "Ada Lovelace", Email: "ada@example.com"},
		Lines: []order.Line{
			{SKU: "MUG-1", Name: "Mug", Quantity: 2, UnitPrice: order.Money{Amount: 1999, Currency: "EUR"}},
			{SKU: "TEA.2", Name: "Tea", Quantity: 1, UnitPrice: order.Money{Amount: 500, Currency: "EUR"}},
		},
		ShippingAddress: order.Address{Name: "Ada Lovelace", Line1: "1 High Street", City: "Berlin", PostalCode: "10115", Country: "DE"},
		Payment:         order.Payment{Method: "card", Token: "tok_ok"},
		Deadlines:       deadlines,
	}
}

func placed() order.Placed {
	p := place()
	return order.Placed{
		PlacedAt: t0, Customer: p.Customer, Lines: p.Lines, ShippingAddress: p.ShippingAddress, Payment: p.Payment,
		Total: total, Deadlines: deadlines,
	}
}

// heard is every event that orders hears, each with the fact that is noted of it.
func heard() []struct {
	event contracts.Event
	fact  order.Event
} {
	money := contracts.Money(total)
	later := t0.Add(7 * 24 * time.Hour)
	return []struct {
		event contracts.Event
		fact  order.Event
	}{
		{contracts.PaymentAuthorized{Amount: money, ProviderReference: "p-1", ExpiresAt: later},
			order.PaymentAuthorized{Amount: total, ProviderReference: "p-1", ExpiresAt: later, HeardAt: heardAt}},
		{contracts.PaymentFailed{Code: "card_declined"}, order.PaymentFailed{Code: "card_declined"}},
		{contracts.PaymentCaptured{Amount: money, ProviderReference: "p-1"}, order.PaymentCaptured{Amount: total, ProviderReference: "p-1"}},
		{contracts.PaymentVoided{}, order.PaymentVoided{}},
		{contracts.PaymentRefunded{Amount: money, ProviderReference: "p-1"}, order.PaymentRefunded{Amount: total, ProviderReference: "p-1"}},
		{contracts.PaymentAttentionRequired{Operation: "capture", Code: "card_expired"},
			order.PaymentAttentionRequired{Operation: "capture", Code: "card_expired"}},
		{contracts.StockReserved{}, order.StockReserved{HeardAt: heardAt}},
		{contracts.StockReservationFailed{Shortages: []contracts.Shortage{{SKU: "MUG-1", Wanted: 2, Available: 1}}},
			order.StockReservationFailed{Shortages: []order.Shortage{{SKU: "MUG-1", Wanted: 2, Available: 1}}, HeardAt: heardAt}},
		{contracts.StockReleased{}, order.StockReleased{HeardAt: heardAt}},
		{contracts.OrderShipped{Carrier: "post", TrackingNumber: "T1", PickedUpAt: later},
			order.Shipped{Carrier: "post", TrackingNumber: "T1", PickedUpAt: later, HeardAt: heardAt}},
		{contracts.ShippingFailed{Code: "address_not_served"}, order.ShippingFailed{Code: "address_not_served", HeardAt: heardAt}},
		{contracts.ShipmentCancelled{}, order.ShipmentCancelled{HeardAt: heardAt}},
		{contracts.CancellationRefused{}, order.CancellationRefused{HeardAt: heardAt}},
		{contracts.ShipmentAttentionRequired{Operation: "cancel", Code: "try_by_phone"},
			order.ShipmentAttentionRequired{Operation: "cancel", Code: "try_by_phone"}},
		{contracts.ShipmentDelivered{DeliveredAt: later}, order.Delivered{DeliveredAt: later}},
	}
}

// Facts of an order's way, as they are heard 30 s after it was placed.
var (
	authorized       = order.PaymentAuthorized{Amount: total, ProviderReference: "p-1", ExpiresAt: t0.Add(24 * time.Hour), HeardAt: heardAt}
	reserved         = order.StockReserved{HeardAt: heardAt}
	shipped          = order.Shipped{Carrier: "post", TrackingNumber: "T1", PickedUpAt: t0, HeardAt: heardAt}
	captured         = order.PaymentCaptured{Amount: total, ProviderReference: "p-1"}
	requested        = order.CancellationRequested{RequestedBy: order.ByCustomer, Reason: "changed my mind", RequestedAt: heardAt}
	refused          = order.CancellationRefused{HeardAt: heardAt}
	shipmentCanceled = order.ShipmentCancelled{HeardAt: heardAt}
	completed        = order.Completed{Total: total}
	cancelled        = order.Cancelled{Reason: "changed my mind"}
	captureRefused   = order.PaymentAttentionRequired{Operation: "capture", Code: "card_expired"}
	cancelRefused    = order.ShipmentAttentionRequired{Operation: "cancel", Code: "try_by_phone"}
	resolved         = order.Resolved{Outcome: order.OutcomeCancelled, ResolvedBy: "ops", Reason: "refunded by phone"}
)

func given(tb testing.TB, facts ...order.Event) *estest.Scenario {
	tb.Helper()
	return estest.Given(tb, order.Category).Facts(es.Facts(stream, facts...)...)
}

func do(v order.Verb) es.Command { return order.On(tenant, id, v) }

func facts(events ...order.Event) []es.Fact { return es.Facts(stream, events...) }

// state folds the facts.
func state(facts ...order.Event) order.Order { return order.Category.Fold(order.Order{}, facts...) }
