package shipment_test

import (
	"testing"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	shipping "waybill.dev/services/shipping"
	"waybill.dev/services/shipping/shipment"
)

const (
	tenant = "acme"
	order  = "01990000-0000-7000-8000-000000000001"
)

var (
	stream      = shipment.Category.Stream(tenant, order)
	pickedUpAt  = time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	deliveredAt = time.Date(2026, 3, 5, 12, 30, 0, 0, time.UTC)
	parcel      = shipment.Booking{ID: "bkg_1", Carrier: "Parcel Co", TrackingNumber: "PC1"}
	placed      = contracts.OrderPlaced{
		Customer: contracts.Customer{ID: "c-1", Name: "Ada", Email: "ada@example.com"},
		Lines: []contracts.OrderLine{
			{SKU: "cup", Name: "A cup", Quantity: 2, UnitPrice: contracts.Money{Amount: 500, Currency: "EUR"}},
			{SKU: "pot", Name: "A pot", Quantity: 1, UnitPrice: contracts.Money{Amount: 900, Currency: "EUR"}},
		},
		ShippingAddress: contracts.Address{Name: "Ada", Line1: "1 Road", Line2: "Flat 2", City: "Town", PostalCode: "12345", Country: "DE"},
		Payment:         contracts.PaymentMethod{Method: "card", Token: "tok_ok"},
		Total:           contracts.Money{Amount: 1900, Currency: "EUR"},
	}

	orderHeard = shipment.OrderHeard{
		Address: shipment.Address{Name: "Ada", Line1: "1 Road", Line2: "Flat 2", City: "Town", PostalCode: "12345", Country: "DE"},
		Lines:   []shipment.Line{{SKU: "cup", Quantity: 2}, {SKU: "pot", Quantity: 1}},
	}
	stockHeard   = shipment.StockReservedHeard{}
	cancelHeard  = shipment.CancellationHeard{}
	resolved     = shipment.ResolutionHeard{Outcome: "cancelled"}
	booked       = shipment.Booked{Booking: parcel}
	shipped      = shipment.PickedUp{Booking: parcel, At: pickedUpAt}
	delivered    = shipment.Delivered{At: deliveredAt}
	notServed    = shipment.BookingRefused{Code: "address_not_served"}
	kept         = shipment.CarrierRefusedCancel{Number: 0, Code: "cancellation_refused"}
	bookAsked    = shipment.Attempted{Operation: shipment.Book, Number: 0, Key: tenant + "/" + order + "/book/0"}
	cancelAsked  = shipment.Attempted{Operation: shipment.Cancel, Number: 0, Key: tenant + "/" + order + "/cancel/0"}
	cancelAgain  = shipment.Attempted{Operation: shipment.Cancel, Number: 1, Key: tenant + "/" + order + "/cancel/1"}
	retryCancel  = shipment.RetryRequested{Operation: shipment.Cancel}
	bookJob      = shipment.BookJob{Job: shipment.Job{Order: order, Number: 0, Key: bookAsked.Key}}
	cancelJob    = shipment.CancelJob{Job: shipment.Job{Order: order, Number: 0, Key: cancelAsked.Key}}
	cancelJob1   = shipment.CancelJob{Job: shipment.Job{Order: order, Number: 1, Key: cancelAgain.Key}}
	saysBooked   = shipment.Report{Booking: parcel, State: shipment.StateBooked}
	saysGone     = shipment.Report{Booking: parcel, State: shipment.StatePickedUp, At: pickedUpAt}
	saysThere    = shipment.Report{Booking: parcel, State: shipment.StateDelivered, At: deliveredAt, PickedUpAt: pickedUpAt}
	saysNot      = shipment.Report{Booking: parcel, State: shipment.StateCancelled}
	whenPlaced   = heard(placed)
	whenReserved = heard(contracts.StockReserved{})
	whenCancel   = heard(contracts.OrderCancellationRequested{RequestedBy: "customer", Reason: "changed my mind"})
	whenResolved = heard(contracts.OrderResolved{Outcome: "cancelled", ResolvedBy: "op", Reason: "by hand"})
)

// Pasts that many tests begin from.
var (
	pastBooking    = []shipment.Event{orderHeard, stockHeard, bookAsked}
	pastBooked     = append(pastBooking[:3:3], booked)
	pastCancelling = append(pastBooked[:4:4], cancelHeard, cancelAsked)
	pastShipped    = append(pastBooked[:4:4], shipped)
	pastAttention  = append(pastCancelling[:6:6], kept)
	pastFailed     = append(pastBooking[:3:3], notServed)
)

// given is a shipment with this past.
func given(t *testing.T, past ...shipment.Event) *estest.Scenario {
	t.Helper()
	return estest.Given(t, shipment.Category).Facts(facts(past...)...)
}

func facts(events ...shipment.Event) []es.Fact { return es.Facts(stream, events...) }

// heard is what the event comes to after it has been on the wire.
func heard(e contracts.Event) es.Command {
	record, err := contracts.Message{
		ID: "m-1", Source: "/waybill/test", Subject: order, Time: pickedUpAt, Tenant: tenant, CorrelationID: "c-1",
		CausationID: "x-1", PartitionKey: order, Sequence: 1, Data: e,
	}.Encode()
	if err != nil {
		panic(err)
	}
	m, err := contracts.Decode(record.Headers, record.Value)
	if err != nil {
		panic(err)
	}
	return shipment.React(m, pickedUpAt)
}

func take(r shipment.Report) es.Command { return shipment.Take(tenant, order, r) }

// published is what the facts say to the other services, after it has been on the wire.
func published(t failer, recorded []es.Fact) []contracts.Event {
	t.Helper()
	var said []contracts.Event
	for i, f := range recorded {
		for _, e := range shipping.Publish(es.Recorded{ID: "id", Stream: f.Stream, Version: int64(i + 1), Event: f.Event, At: pickedUpAt}) {
			record, err := contracts.Message{
				ID: "id", Source: "/waybill/shipping", Subject: f.Stream.ID, Time: pickedUpAt, Tenant: f.Stream.Tenant,
				PartitionKey: f.Stream.ID, Data: e,
			}.Encode()
			if err != nil {
				t.Fatal(err)
			}
			m, err := contracts.Decode(record.Headers, record.Value)
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, m.Data)
		}
	}
	return said
}

// failer is what testing and rapid have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
}
