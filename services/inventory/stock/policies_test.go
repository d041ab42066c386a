package stock_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	"waybill.dev/services/inventory/stock"
)

// heardMessage is a message that inventory hears and the fact it is noted by. Both resolutions are noted by one
// fact: an order is settled once, and the first one counts.
type heardMessage struct {
	name  string
	event contracts.Event
	note  stock.ReservationEvent
}

var messages = []heardMessage{
	{"placed", placed(twoLines...), stock.OrderHeard{Lines: twoLines}},
	{"authorized", contracts.PaymentAuthorized{ProviderReference: "p"}, stock.PaymentHeard{}},
	{"shipped", contracts.OrderShipped{Carrier: "c", TrackingNumber: "t"}, stock.ShipmentHeard{}},
	{"shipment-cancelled", contracts.ShipmentCancelled{}, stock.ShipmentCancellationHeard{}},
	{"shipping-failed", contracts.ShippingFailed{Code: "address_not_served"}, stock.ShippingFailureHeard{}},
	{"resolved-completed", contracts.OrderResolved{Outcome: "completed"}, stock.ResolutionHeard{Outcome: stock.OutcomeCompleted}},
	{"resolved-cancelled", contracts.OrderResolved{Outcome: "cancelled"}, stock.ResolutionHeard{Outcome: stock.OutcomeCancelled}},
}

func messageNamed(name string) heardMessage {
	return messages[slices.IndexFunc(messages, func(m heardMessage) bool { return m.name == name })]
}

// consequence is what follows upon a message beside its note: where the reservation is then, the fact that says
// so, what happens on each of its shelves, and what the other services hear.
type consequence struct {
	then  string
	fact  stock.ReservationEvent
	shelf func(quantity int64) stock.Event
	says  contracts.Event
}

// The consequences of each message by where the reservation is. What is not listed is noted, and no more. The three
// ends have no row: nothing follows upon them.
func consequences(inStock bool) map[string]map[string]consequence {
	reserve := consequence{then: "reserved", fact: stock.ReservationMade{}, says: contracts.StockReserved{},
		shelf: func(q int64) stock.Event { return stock.Reserved{Order: order, Quantity: q} }}
	if !inStock {
		reserve = consequence{then: "failed",
			fact: stock.ReservationFailed{Shortages: []stock.Shortage{{SKU: "cup", Wanted: 3, Available: 2}}},
			says: contracts.StockReservationFailed{Shortages: []contracts.Shortage{{SKU: "cup", Wanted: 3, Available: 2}}}}
	}
	giveBack := func(q int64) stock.Event { return stock.Released{Order: order, Quantity: q} }
	takeOff := consequence{then: "shipped", fact: stock.ReservationShipped{},
		shelf: func(q int64) stock.Event { return stock.Shipped{Order: order, Quantity: q} }}
	released := func(c stock.Cause) stock.ReservationEvent { return stock.ReservationReleased{Cause: c} }

	unreserved := map[string]consequence{
		"shipment-cancelled": {then: "released", fact: released("shipment-cancelled"), says: contracts.StockReleased{}},
		"shipping-failed":    {then: "released", fact: released("shipping-failed"), says: contracts.StockReleased{}},
		"shipped":            {then: "released", fact: released("order-shipped")},
		"resolved-completed": {then: "released", fact: released("order-resolved")},
		"resolved-cancelled": {then: "released", fact: released("order-resolved")},
	}
	and := func(rows ...map[string]consequence) map[string]consequence {
		all := map[string]consequence{}
		for _, row := range rows {
			maps.Copy(all, row)
		}
		return all
	}
	return map[string]map[string]consequence{
		"unheard-of": and(unreserved, map[string]consequence{"placed": {then: "placed"}, "authorized": {then: "authorized"}}),
		"placed":     and(unreserved, map[string]consequence{"authorized": reserve}),
		"authorized": and(unreserved, map[string]consequence{"placed": reserve}),
		"reserved": {
			"shipped":            takeOff,
			"resolved-completed": takeOff,
			"resolved-cancelled": {then: "released", fact: released("order-resolved"), shelf: giveBack},
			"shipment-cancelled": {then: "released", fact: released("shipment-cancelled"), shelf: giveBack, says: contracts.StockReleased{}},
			"shipping-failed":    {then: "released", fact: released("shipping-failed"), shelf: giveBack, says: contracts.StockReleased{}},
		},
	}
}

// walk is an order on its way through messages, held against the table at each.
type walk struct {
	t       testing.TB
	log     *estest.Memory
	table   map[string]map[string]consequence
	at      string
	noted   map[string]bool // by the kind of the note
	history []string
}

func newWalk(tb testing.TB, inStock bool) *walk {
	tb.Helper()
	s := given(tb).Facts(onShelf("mug", 9), onShelf("cup", 2))
	if inStock {
		s.Facts(onShelf("cup", 1))
	}
	return &walk{t: tb, log: s.Log(), table: consequences(inStock), at: "unheard-of", noted: map[string]bool{}}
}

// hears tells the message once, and expects exactly what the table says of it.
func (w *walk) hears(m heardMessage) {
	w.t.Helper()
	w.history = append(w.history, m.name)
	var wantFacts []es.Fact
	var wantSaid []contracts.Event
	if !w.noted[m.note.Kind()] {
		w.noted[m.note.Kind()] = true
		wantFacts = append(wantFacts, noted(m.note))
		if c, ok := w.table[w.at][m.name]; ok {
			w.at = c.then
			if c.fact != nil {
				wantFacts = append(wantFacts, noted(c.fact))
			}
			if c.shelf != nil {
				wantFacts = append(wantFacts, fact("mug", c.shelf(2)), fact("cup", c.shelf(3)))
			}
			if c.says != nil {
				wantSaid = append(wantSaid, c.says)
			}
		}
	}
	d, err := w.log.Run(told(w.t, m.event))
	if err != nil {
		w.t.Fatalf("%s: %v", strings.Join(w.history, ", "), err)
	}
	if diff := cmp.Diff(wantFacts, d.Facts, cmpopts.EquateEmpty()); diff != "" {
		w.t.Fatalf("%s: facts (-want +got):\n%s", strings.Join(w.history, ", "), diff)
	}
	if diff := cmp.Diff(wantSaid, said(w.t, d.Facts), cmpopts.EquateEmpty()); diff != "" {
		w.t.Fatalf("%s: said (-want +got):\n%s", strings.Join(w.history, ", "), diff)
	}
	if len(d.Jobs) != 0 {
		w.t.Fatalf("%s: jobs %v", strings.Join(w.history, ", "), d.Jobs)
	}
}

// Every two messages, in either order and each told twice, after every history that leads somewhere else.
func TestEveryPairOfMessages(t *testing.T) {
	t.Parallel()
	histories := [][]string{
		{},
		{"placed"},
		{"authorized"},
		{"placed", "authorized"},
		{"authorized", "placed"},
		{"placed", "authorized", "shipped"},
		{"placed", "authorized", "shipment-cancelled"},
		{"placed", "authorized", "shipping-failed"},
		{"placed", "authorized", "resolved-completed"},
		{"placed", "authorized", "resolved-cancelled"},
		{"shipment-cancelled", "placed"},
		{"shipment-cancelled", "authorized"},
		{"resolved-cancelled", "placed"},
	}
	pairs := 0
	for _, inStock := range []bool{true, false} {
		for _, history := range histories {
			for _, a := range messages {
				for _, b := range messages {
					w := newWalk(t, inStock)
					for _, name := range history {
						w.hears(messageNamed(name))
					}
					for _, m := range []heardMessage{a, b, a, b} {
						w.hears(m)
					}
					for _, m := range []heardMessage{a, a, b, b} { // and long after
						w.hears(m)
					}
					pairs++
				}
			}
		}
	}
	if want := 2 * len(histories) * len(messages) * len(messages); pairs != want {
		t.Fatalf("%d pairs, want %d", pairs, want)
	}
}

// All messages in every order that there is, with either resolution.
func TestEveryOrderOfAllMessages(t *testing.T) {
	t.Parallel()
	var tell func(told, left []heardMessage)
	tell = func(told, left []heardMessage) {
		if len(left) == 0 {
			w := newWalk(t, true)
			for _, m := range told {
				w.hears(m)
			}
			if w.at != "released" && w.at != "shipped" {
				t.Fatalf("%v: not at an end, but %s", w.history, w.at)
			}
			if mug := level(t, w.log, "mug"); mug.Reserved != 0 {
				t.Fatalf("%v: left behind: %+v", w.history, mug)
			}
			return
		}
		for i := range left {
			rest := slices.Concat(left[:i], left[i+1:])
			tell(append(told[:len(told):len(told)], left[i]), rest)
		}
	}
	for _, resolution := range []string{"resolved-completed", "resolved-cancelled"} {
		tell(nil, slices.DeleteFunc(slices.Clone(messages), func(m heardMessage) bool {
			return strings.HasPrefix(m.name, "resolved") && m.name != resolution
		}))
	}
}

// What inventory does not hear comes to nothing, in any state.
func TestReactLeavesOtherEventsAlone(t *testing.T) {
	t.Parallel()
	hears := map[contracts.Type]bool{}
	for _, e := range stock.Hears() {
		hears[e.Type()] = true
	}
	for _, m := range messages {
		if !hears[m.event.Type()] {
			t.Fatalf("%s is not among what is heard", m.event.Type())
		}
	}
	for _, e := range contracts.Catalogue() {
		if !hears[e.Type()] {
			reserved(t).When(told(t, e)).ThenNothing()
		}
	}
}

// What was heard is kept under these names for ever: logs are full of them.
func TestKindsAreWrittenConstants(t *testing.T) {
	t.Parallel()
	var got []string
	for _, k := range slices.Concat(stock.Reservations.Kinds, stock.Receipts.Kinds, stock.Stocks.Kinds) {
		got = append(got, k.Name)
	}
	want := []string{
		"reservation.order-heard", "reservation.payment-heard", "reservation.shipment-heard",
		"reservation.shipment-cancellation-heard", "reservation.shipping-failure-heard", "reservation.resolution-heard",
		"reservation.made", "reservation.failed", "reservation.released", "reservation.shipped",
		"receipt.counted",
		"stock.received", "stock.adjusted", "stock.reserved", "stock.released", "stock.shipped",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("kinds (-want +got):\n%s", diff)
	}
	var order []string
	for _, c := range stock.Categories() {
		order = append(order, c.CategoryName())
	}
	if diff := cmp.Diff([]string{"reservation", "receipt", "stock"}, order); diff != "" {
		t.Fatalf("order of locking (-want +got):\n%s", diff)
	}
}
