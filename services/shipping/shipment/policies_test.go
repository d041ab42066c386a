package shipment_test

import (
	"errors"
	"fmt"
	"maps"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	"waybill.dev/services/shipping/shipment"
)

// input is one thing that a shipment may meet, and what the saga's rules say to it.
type input struct {
	name    string
	command es.Command
	rule    func(*rules)
}

var inputs = []input{
	{"order-placed", whenPlaced, func(r *rules) { r.hear("order-placed", orderHeard) }},
	{"stock-reserved", whenReserved, func(r *rules) { r.hear("stock-reserved", stockHeard) }},
	{"order-cancellation-requested", whenCancel, func(r *rules) { r.hear("order-cancellation-requested", cancelHeard) }},
	{"order-resolved", whenResolved, func(r *rules) { r.hear("resolved", resolved) }},
	{"order-cancelled", heard(contracts.OrderCancelled{Reason: "x"}), func(*rules) {}},
	{"carrier: booked", take(saysBooked), func(r *rules) { r.carrierSays("booked") }},
	{"carrier: picked up", take(saysGone), func(r *rules) { r.carrierSays("picked-up") }},
	{"carrier: delivered", take(saysThere), func(r *rules) { r.carrierSays("delivered") }},
	{"carrier: cancelled", take(saysNot), func(r *rules) { r.carrierSays("cancelled") }},
	{"carrier: will not book", shipment.RefuseBooking(tenant, order, 0, "address_not_served"), (*rules).bookRefused},
	{"carrier: will not cancel", shipment.RefuseCancel(tenant, order, 0, "cancellation_refused"), func(r *rules) { r.cancelRefused(0) }},
	{"carrier: will not cancel, again", shipment.RefuseCancel(tenant, order, 1, "cancellation_refused"), func(r *rules) { r.cancelRefused(1) }},
	{"operator: retry", shipment.Retry(tenant, order), (*rules).retry},
}

// rules is shipping's part of the saga told a second time, over a set of what has happened, so that the two
// tellings hold each other to account. The sealed facts, events and jobs of the latest input are what it expects.
type rules struct {
	s      map[string]bool
	asking string // "book", "cancel" or nothing: what is in flight
	number int    // of the cancellation

	facts   []shipment.Event
	said    []contracts.Event
	jobs    []es.Job
	refused es.RefusalCode
}

func newRules() *rules { return &rules{s: map[string]bool{}} }

func (r *rules) apply(i input) {
	r.facts, r.said, r.jobs, r.refused = nil, nil, nil, ""
	i.rule(r)
}

func (r *rules) has(any ...string) bool {
	for _, a := range any {
		if r.s[a] {
			return true
		}
	}
	return false
}

func (r *rules) add(what string, fact shipment.Event, says ...contracts.Event) {
	r.s[what] = true
	r.facts = append(r.facts, fact)
	r.said = append(r.said, says...)
}

func (r *rules) hear(topic string, fact shipment.Event) {
	if r.has(topic) {
		return
	}
	r.add(topic, fact)
	switch {
	case r.has("resolved"):
	case topic == "order-cancellation-requested":
		switch {
		case r.has("shipped"):
			r.add("refused", shipment.CancellationRefused{}, contracts.CancellationRefused{})
		case r.has("failed", "cancelled") || r.asking == "book":
		case r.has("booked"):
			r.askToCancel()
		default:
			r.add("cancelled", shipment.Cancelled{}, contracts.ShipmentCancelled{})
		}
	case r.has("order-placed") && r.has("stock-reserved") && r.asking == "" && !r.has("booked", "failed", "cancelled"):
		r.s["asked"], r.asking = true, "book"
		r.facts, r.jobs = append(r.facts, bookAsked), append(r.jobs, bookJob)
	}
}

func (r *rules) askToCancel() {
	key := fmt.Sprintf("%s/%s/cancel/%d", tenant, order, r.number)
	r.asking = "cancel"
	r.facts = append(r.facts, shipment.Attempted{Operation: shipment.Cancel, Number: r.number, Key: key})
	r.jobs = append(r.jobs, shipment.CancelJob{Job: shipment.Job{Order: order, Number: r.number, Key: key}})
}

func (r *rules) carrierSays(state string) {
	gone := state == "picked-up" || state == "delivered"
	switch {
	case !r.has("asked"):
		r.refused = es.NotFound
		return
	case r.has("failed", "cancelled"):
		if gone {
			r.refused = es.Conflict
		}
		return
	}
	if !r.has("booked") {
		r.add("booked", booked)
		r.asking = ""
		if state == "booked" && r.has("order-cancellation-requested") && !r.has("resolved") {
			r.askToCancel()
		}
	}
	if state == "cancelled" && !r.has("shipped") {
		r.asking = ""
		r.add("cancelled", shipment.Cancelled{}, contracts.ShipmentCancelled{})
	}
	tooLate := false
	if gone && !r.has("shipped") {
		r.asking = ""
		r.add("shipped", shipped, contracts.OrderShipped{Carrier: "Parcel Co", TrackingNumber: "PC1", PickedUpAt: pickedUpAt})
		tooLate = r.has("order-cancellation-requested") && !r.has("resolved")
	}
	if state == "delivered" && !r.has("delivered") {
		r.add("delivered", delivered, contracts.ShipmentDelivered{DeliveredAt: deliveredAt})
	}
	if tooLate {
		r.add("refused", shipment.CancellationRefused{}, contracts.CancellationRefused{})
	}
	if r.has("shipped", "cancelled") {
		delete(r.s, "attention")
	}
}

func (r *rules) bookRefused() {
	if r.asking == "book" {
		r.asking = ""
		r.add("failed", notServed, contracts.ShippingFailed{Code: "address_not_served"})
	}
}

func (r *rules) cancelRefused(number int) {
	if r.asking == "cancel" && r.number == number {
		r.asking = ""
		r.add("attention", shipment.CarrierRefusedCancel{Number: number, Code: "cancellation_refused"},
			contracts.ShipmentAttentionRequired{Operation: "cancel", Code: "cancellation_refused"})
	}
}

func (r *rules) retry() {
	switch {
	case len(r.s) == 0:
		r.refused = es.NotFound
	case !r.has("attention") || r.has("resolved"):
		r.refused = es.Conflict
	default:
		delete(r.s, "attention")
		r.facts = append(r.facts, retryCancel)
		r.number++
		r.askToCancel()
	}
}

// name tells one state of the rules from every other.
func (r *rules) name() string {
	names := []string{r.asking, fmt.Sprint(r.number)}
	for n := range r.s {
		names = append(names, n)
	}
	sort.Strings(names)
	return strings.Join(names, " ")
}

// follow replays the inputs upon the rules alone.
func follow(history []input) *rules {
	r := newRules()
	for _, i := range history {
		r.apply(i)
	}
	return r
}

// histories is one way to each state that the rules can come to, up to the second number of a cancellation.
func histories() [][]input {
	found := [][]input{nil}
	seen := map[string]bool{newRules().name(): true}
	for at := 0; at < len(found); at++ {
		for _, i := range inputs {
			history := append(found[at][:len(found[at]):len(found[at])], i)
			r := follow(history)
			if r.number > 1 || seen[r.name()] {
				continue
			}
			seen[r.name()] = true
			found = append(found, history)
		}
	}
	return found
}

// meet runs the input upon the log and holds what comes of it against the rules.
func meet(t *testing.T, log *estest.Memory, r *rules, i input) {
	t.Helper()
	r.apply(i)
	d, err := log.Run(i.command)
	var refusal *es.Refusal
	switch {
	case errors.As(err, &refusal):
		if refusal.Code != r.refused {
			t.Fatalf("%s: refused %q (%s), the rules say %q", i.name, refusal.Code, refusal.Detail, r.refused)
		}
		return
	case err != nil:
		t.Fatalf("%s: %v", i.name, err)
	case r.refused != "":
		t.Fatalf("%s: taken, the rules refuse it as %q", i.name, r.refused)
	}
	if diff := cmp.Diff(facts(r.facts...), d.Facts, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s: facts (-rules +got):\n%s", i.name, diff)
	}
	if diff := cmp.Diff(r.jobs, d.Jobs, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s: jobs (-rules +got):\n%s", i.name, diff)
	}
	if diff := cmp.Diff(r.said, published(t, d.Facts), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s: said (-rules +got):\n%s", i.name, diff)
	}
}

// told is a log and the rules after the same inputs.
type told struct {
	log   *estest.Memory
	rules *rules
}

// branch goes on from the log and the rules with these inputs, and leaves both as they are.
func branch(t *testing.T, log *estest.Memory, r *rules, next ...input) told {
	t.Helper()
	b := told{estest.NewMemory(shipment.Category), &rules{s: maps.Clone(r.s), asking: r.asking, number: r.number}}
	if err := b.log.Append(log.Facts...); err != nil {
		t.Fatal(err)
	}
	for _, i := range next {
		meet(t, b.log, b.rules, i)
	}
	return b
}

// Every ordered pair of things that a shipment may meet, each of the two twice, after every history.
func TestEveryPairAfterEveryHistory(t *testing.T) {
	t.Parallel()
	all := histories()
	if len(all) < 50 {
		t.Fatalf("only %d histories: the rules come to too few states", len(all))
	}
	for _, history := range all {
		names := make([]string, 0, len(history))
		for _, i := range history {
			names = append(names, i.name)
		}
		t.Run(strings.Join(names, ", "), func(t *testing.T) {
			t.Parallel()
			past := branch(t, estest.NewMemory(shipment.Category), newRules(), history...)
			for _, a := range inputs {
				first := branch(t, past.log, past.rules, a, a)
				for _, b := range inputs {
					branch(t, first.log, first.rules, b, b)
				}
				t.Logf("held with %s first", a.name) // where it fails, the one after the last of these did
			}
		})
	}
}

// The four events that shipping hears, pair by pair from nothing: what is said and asked, in plain words.
func TestPairsOfEventsFromNothing(t *testing.T) {
	const (
		nothing = ""
		books   = "asks to book"
		never   = "shipment-cancelled"
	)
	events := map[string]es.Command{
		"placed": whenPlaced, "reserved": whenReserved, "cancellation": whenCancel, "resolved": whenResolved,
	}
	for _, c := range []struct{ a, onA, b, onB string }{
		{"placed", nothing, "reserved", books},
		{"placed", nothing, "cancellation", never},
		{"placed", nothing, "resolved", nothing},
		{"reserved", nothing, "placed", books},
		{"reserved", nothing, "cancellation", never},
		{"reserved", nothing, "resolved", nothing},
		{"cancellation", never, "placed", nothing},
		{"cancellation", never, "reserved", nothing},
		{"cancellation", never, "resolved", nothing},
		{"resolved", nothing, "placed", nothing},
		{"resolved", nothing, "reserved", nothing},
		{"resolved", nothing, "cancellation", nothing},
	} {
		t.Run(c.a+", "+c.b, func(t *testing.T) {
			log := estest.NewMemory(shipment.Category)
			for _, step := range []struct{ event, want string }{
				{c.a, c.onA}, {c.a, nothing}, {c.b, c.onB}, {c.a, nothing}, {c.b, nothing},
			} {
				d, err := log.Run(events[step.event])
				if err != nil {
					t.Fatal(err)
				}
				got := nothing
				for _, e := range published(t, d.Facts) {
					got += strings.TrimPrefix(e.Type().Topic(), "commerce.shipping.")
				}
				for _, j := range d.Jobs {
					got += "asks to " + strings.TrimPrefix(j.Kind(), "shipping.")
				}
				if got != step.want {
					t.Errorf("%s: %q, want %q", step.event, got, step.want)
				}
			}
		})
	}
}
