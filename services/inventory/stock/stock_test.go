package stock_test

import (
	"testing"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	"waybill.dev/services/inventory"
	"waybill.dev/services/inventory/stock"
)

const (
	tenant = "default"
	order  = "0198c5a0-0000-7000-8000-000000000001"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func given(tb testing.TB) *estest.Scenario {
	tb.Helper()
	return estest.Given(tb, stock.Categories()...)
}

// onShelf is a fact of the past: so much of the SKU has come in.
func onShelf(sku string, quantity int64) es.Fact {
	return fact(sku, stock.Received{Quantity: quantity, Reference: "opening"})
}

// fact is a fact of a SKU's stock.
func fact(sku string, e stock.Event) es.Fact {
	return es.Fact{Stream: stock.Stocks.Stream(tenant, sku), Event: e}
}

// noted is a fact of the order's reservation.
func noted(e stock.ReservationEvent) es.Fact {
	return es.Fact{Stream: stock.Reservations.Stream(tenant, order), Event: e}
}

// placed is order-placed with these lines.
func placed(lines ...stock.Line) contracts.OrderPlaced {
	e := contracts.OrderPlaced{Total: contracts.Money{Amount: 1, Currency: "EUR"}}
	for _, l := range lines {
		e.Lines = append(e.Lines, contracts.OrderLine{SKU: l.SKU, Quantity: l.Quantity, Name: "a thing"})
	}
	return e
}

// told is the command that a message to the order comes to, after it has travelled as Kafka carries it.
func told(tb testing.TB, e contracts.Event) es.Command {
	tb.Helper()
	return toldOf(tb, order, e)
}

func toldOf(tb testing.TB, order string, e contracts.Event) es.Command {
	tb.Helper()
	return stock.React(travelled(tb, order, e), noon)
}

func travelled(tb testing.TB, order string, e contracts.Event) contracts.Message {
	tb.Helper()
	sent := contracts.Message{
		ID: "m-" + string(e.Type()), Source: "/waybill/test", Subject: order, Time: noon, Tenant: tenant,
		PartitionKey: order, CorrelationID: "c", CausationID: "c", Sequence: 1, Data: e,
	}
	record, err := sent.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	m, err := contracts.Decode(record.Headers, record.Value)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// said are the events that the facts are published as, after they have travelled as Kafka carries them.
func said(tb testing.TB, facts []es.Fact) []contracts.Event {
	tb.Helper()
	var events []contracts.Event
	for _, f := range facts {
		for _, e := range inventory.Publish(es.Recorded{Stream: f.Stream, Version: 1, Event: f.Event}) {
			events = append(events, travelled(tb, f.Stream.ID, e).Data)
		}
	}
	return events
}

// level is the SKU's stock as it stands.
func level(tb testing.TB, log *estest.Memory, sku string) stock.Stock {
	tb.Helper()
	id := stock.Stocks.Stream(tenant, sku)
	states, err := log.Load(id)
	if err != nil {
		tb.Fatal(err)
	}
	return stock.Stocks.State(states, id)
}
