package order_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/orders"
	"waybill.dev/services/orders/order"
)

// message is the event as it comes off the wire.
func message(tb testing.TB, e contracts.Event) contracts.Message {
	tb.Helper()
	r, err := contracts.Message{
		ID: "m-" + string(e.Type()), Source: "/waybill/other", Subject: id, Time: t0, Tenant: tenant, PartitionKey: id, Data: e,
	}.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	m, err := contracts.Decode(r.Headers, r.Value)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// published is what the others hear of the facts.
func published(facts []es.Fact) (said []contracts.Event) {
	for _, f := range facts {
		said = append(said, orders.Publish(es.Recorded{Stream: f.Stream, Event: f.Event})...)
	}
	return said
}

// model is orders() of the saga's model: the set of what was said, and no more.
type model struct {
	placed bool
	end    order.Status // "" while the order is open
	set    map[contracts.Type]bool
}

// hear is what is noted and what is said upon an event; fact is the fact that it is noted as.
func (m *model) hear(e contracts.Event, fact order.Event) (noted []order.Event, said []contracts.Event) {
	if m.set[e.Type()] {
		return nil, nil
	}
	m.set[e.Type()] = true
	noted = []order.Event{fact}
	switch {
	case !m.placed || m.end != "":
	case m.set[contracts.OrderShipped{}.Type()] && m.set[contracts.PaymentCaptured{}.Type()]:
		m.end = order.StatusCompleted
		noted = append(noted, completed)
		said = append(said, contracts.OrderCompleted{Total: contracts.Money(total)})
	case m.set[contracts.PaymentFailed{}.Type()] || m.set[contracts.PaymentVoided{}.Type()] || m.set[contracts.PaymentRefunded{}.Type()]:
		m.end = order.StatusCancelled
		noted = append(noted, order.Cancelled{Reason: m.reason()})
		said = append(said, contracts.OrderCancelled{Reason: m.reason()})
	}
	return noted, said
}

func (m *model) reason() string {
	for _, r := range []struct {
		heard  contracts.Type
		reason string
	}{
		{contracts.PaymentFailed{}.Type(), "card_declined"},
		{contracts.StockReservationFailed{}.Type(), "out_of_stock"},
		{contracts.ShippingFailed{}.Type(), "address_not_served"},
		{contracts.OrderCancellationRequested{}.Type(), "changed my mind"},
		{contracts.PaymentRefunded{}.Type(), "payment_refunded"},
	} {
		if m.set[r.heard] {
			return r.reason
		}
	}
	return "payment_voided"
}

// status is that of events.md, from the top down.
func (m *model) status() order.Status {
	has := func(events ...contracts.Event) bool {
		for _, e := range events {
			if m.set[e.Type()] {
				return true
			}
		}
		return false
	}
	switch {
	case m.end != "":
		return m.end
	case has(contracts.OrderShipped{}):
		return order.StatusShipped
	case has(contracts.OrderCancellationRequested{}) && !has(contracts.CancellationRefused{}),
		has(contracts.StockReservationFailed{}, contracts.ShippingFailed{}, contracts.ShipmentCancelled{}, contracts.StockReleased{}):
		return order.StatusCancelling
	case has(contracts.StockReserved{}):
		return order.StatusReserved
	case has(contracts.PaymentAuthorized{}):
		return order.StatusAuthorized
	}
	return order.StatusPlaced
}

// Every ordered pair of what orders hears, in either order, each twice, upon every history that matters.
func TestEveryPairInEitherOrder(t *testing.T) {
	t.Parallel()
	type history struct {
		facts []order.Event
		heard []contracts.Event
		ended order.Status
	}
	for name, h := range map[string]history{
		"unknown":          {},
		"placed":           {facts: []order.Event{placed()}},
		"authorized":       {facts: []order.Event{placed(), authorized}, heard: []contracts.Event{contracts.PaymentAuthorized{}}},
		"reserved":         {facts: []order.Event{placed(), authorized, reserved}, heard: []contracts.Event{contracts.PaymentAuthorized{}, contracts.StockReserved{}}},
		"cancelling":       {facts: []order.Event{placed(), authorized, reserved, requested}, heard: []contracts.Event{contracts.PaymentAuthorized{}, contracts.StockReserved{}, contracts.OrderCancellationRequested{}}},
		"out of stock":     {facts: []order.Event{placed(), authorized, order.StockReservationFailed{}}, heard: []contracts.Event{contracts.PaymentAuthorized{}, contracts.StockReservationFailed{}}},
		"shipped":          {facts: []order.Event{placed(), authorized, reserved, shipped}, heard: []contracts.Event{contracts.PaymentAuthorized{}, contracts.StockReserved{}, contracts.OrderShipped{}}},
		"captured at once": {facts: []order.Event{placed(), captured}, heard: []contracts.Event{contracts.PaymentCaptured{}}},
		"capture refused":  {facts: []order.Event{placed(), shipped, captureRefused}, heard: []contracts.Event{contracts.OrderShipped{}, contracts.PaymentAttentionRequired{}}},
		"overdue":          {facts: []order.Event{placed(), shipped, order.DeadlineMissed{Step: order.StepCapture, Due: t0}}, heard: []contracts.Event{contracts.OrderShipped{}}},
		"refused":          {facts: []order.Event{placed(), requested, refused}, heard: []contracts.Event{contracts.OrderCancellationRequested{}, contracts.CancellationRefused{}}},
		"completed":        {facts: []order.Event{placed(), shipped, captured, completed}, heard: []contracts.Event{contracts.OrderShipped{}, contracts.PaymentCaptured{}}, ended: order.StatusCompleted},
		"cancelled":        {facts: []order.Event{placed(), order.PaymentVoided{}, cancelled}, heard: []contracts.Event{contracts.PaymentVoided{}}, ended: order.StatusCancelled},
		"resolved":         {facts: []order.Event{placed(), shipped, captureRefused, resolved}, heard: []contracts.Event{contracts.OrderShipped{}, contracts.PaymentAttentionRequired{}}, ended: order.StatusCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, a := range heard() {
				for _, b := range heard() {
					s := given(t, h.facts...)
					m := &model{placed: len(h.facts) > 0, end: h.ended, set: map[contracts.Type]bool{}}
					for _, e := range h.heard {
						m.set[e.Type()] = true
					}
					var path []string
					for _, x := range []int{0, 0, 1, 1, 0} {
						e := a
						if x == 1 {
							e = b
						}
						path = append(path, string(e.event.Type()))
						noted, said := m.hear(e.event, e.fact)
						d, err := s.Log().Run(order.React(message(t, e.event), heardAt))
						if err != nil {
							t.Fatalf("%v: %v", path, err)
						}
						if diff := cmp.Diff(facts(noted...), d.Facts, cmpopts.EquateEmpty()); diff != "" {
							t.Fatalf("%v: facts (-want +got):\n%s", path, diff)
						}
						if diff := cmp.Diff(said, published(d.Facts), cmpopts.EquateEmpty()); diff != "" {
							t.Fatalf("%v: published (-want +got):\n%s", path, diff)
						}
						if len(d.Jobs) != 0 {
							t.Fatalf("%v: jobs %v", path, d.Jobs)
						}
						if got, want := current(t, s.Log()).Status(), m.status(); got != want {
							t.Fatalf("%v: status %s, want %s", path, got, want)
						}
					}
				}
			}
		})
	}
}

// A retry by an operator may be refused again, with another code: that is heard. The same word again is not.
func TestAttentionAgain(t *testing.T) {
	t.Parallel()
	s := given(t, placed(), shipped, captureRefused)
	again := contracts.PaymentAttentionRequired{Operation: "capture", Code: "lost_card"}
	s.When(order.React(message(t, again), heardAt)).Then(facts(order.PaymentAttentionRequired(again))...)
	s.When(order.React(message(t, again), heardAt)).ThenNothing()
	refund := contracts.PaymentAttentionRequired{Operation: "refund", Code: "lost_card"}
	s.When(order.React(message(t, refund), heardAt)).Then(facts(order.PaymentAttentionRequired(refund))...)
}

// What orders says itself decides nothing, should it ever come back; and all that is heard is decided upon.
func TestHears(t *testing.T) {
	t.Parallel()
	hears := map[contracts.Type]bool{}
	for _, e := range order.Hears() {
		hears[e.Type()] = true
	}
	for _, e := range contracts.Catalogue() {
		own := strings.HasPrefix(string(e.Type()), "commerce.orders.")
		if hears[e.Type()] == own {
			t.Errorf("%s: heard is %t", e.Type(), hears[e.Type()])
		}
		command := order.React(message(t, e), heardAt)
		if own {
			given(t, placed()).When(command).ThenNothing()
			continue
		}
		if d, err := given(t, placed()).Log().Run(command); err != nil || len(d.Facts) == 0 {
			t.Errorf("%s: facts %v, %v", e.Type(), d.Facts, err)
		}
	}
	if len(heard()) != len(hears) {
		t.Errorf("the tests know %d events, the service hears %d", len(heard()), len(hears))
	}
}

// Another tenant's order with the same id is another order.
func TestTenantsAreApart(t *testing.T) {
	t.Parallel()
	s := given(t, placed())
	m := message(t, contracts.PaymentVoided{})
	m.Tenant = "other"
	other := order.Category.Stream("other", id)
	s.When(order.React(m, heardAt)).Then(es.Fact{Stream: other, Event: order.PaymentVoided{}})
	if got := current(t, s.Log()).Status(); got != order.StatusPlaced {
		t.Errorf("status %s", got)
	}
}

func TestHeardAtIsTheServicesOwnTime(t *testing.T) {
	t.Parallel()
	at := t0.Add(9 * time.Hour)
	given(t, placed()).When(order.React(message(t, contracts.StockReserved{}), at)).Then(facts(order.StockReserved{HeardAt: at})...)
}
