package order_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"waybill.dev/contracts"
	"waybill.dev/platform/es/estest"
	"waybill.dev/services/orders/order"
)

// current is the order as its stream stands.
func current(t interface {
	Helper()
	Fatal(...any)
}, log *estest.Memory) order.Order {
	t.Helper()
	states, err := log.Load(stream)
	if err != nil {
		t.Fatal(err)
	}
	return order.Category.State(states, stream)
}

// every fact there is.
func everyFact() []order.Event {
	all := []order.Event{
		placed(), requested, completed, cancelled, resolved, order.DeadlineMissed{Step: order.StepCapture, Due: t0},
	}
	for _, h := range heard() {
		all = append(all, h.fact)
	}
	return all
}

// Stored kinds are for ever: this list only grows.
func TestKinds(t *testing.T) {
	t.Parallel()
	var got []string
	for _, k := range order.Category.Kinds {
		got = append(got, k.Name)
	}
	slices.Sort(got)
	want := []string{
		"order.cancellation-refused", "order.cancellation-requested", "order.cancelled", "order.completed",
		"order.deadline-missed", "order.delivered", "order.payment-attention-required", "order.payment-authorized",
		"order.payment-captured", "order.payment-failed", "order.payment-refunded", "order.payment-voided", "order.placed",
		"order.resolved", "order.shipment-attention-required", "order.shipment-cancelled", "order.shipped",
		"order.shipping-failed", "order.stock-released", "order.stock-reservation-failed", "order.stock-reserved",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	if len(everyFact()) != len(want) {
		t.Errorf("the tests know %d facts of %d", len(everyFact()), len(want))
	}
}

func TestEveryFactIsKnownOnceNotedAndSurvivesStorage(t *testing.T) {
	t.Parallel()
	for _, e := range everyFact() {
		if (order.Order{}).Knows(e) {
			t.Errorf("%s is known before it was noted", e.Kind())
		}
		log := given(t, e).Log()
		o := current(t, log)
		if !o.Knows(e) {
			t.Errorf("%s is not known", e.Kind())
		}
		if diff := cmp.Diff(state(e), o); diff != "" {
			t.Errorf("%s does not survive storage:\n%s", e.Kind(), diff)
		}
		snapshot, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		var back order.Order
		if err := json.Unmarshal(snapshot, &back); err != nil || !cmp.Equal(o, back) {
			t.Errorf("%s does not survive a snapshot: %v", e.Kind(), err)
		}
	}
}

// Whatever is heard, asked and judged in whatever order: the order ends at most once and says so once, asks for its
// cancellation at most once, and waits for something or somebody while it is open.
func TestAnyHistory(t *testing.T) {
	t.Parallel()
	events := heard()
	codes := []string{"a", "b"}
	rapid.Check(t, func(t *rapid.T) {
		log := estest.NewMemory(order.Category)
		if rapid.IntRange(0, 9).Draw(t, "placed") > 0 {
			if _, err := log.Run(do(place())); err != nil {
				t.Fatal(err)
			}
		}
		now := t0
		said := map[contracts.Type]int{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "pause")))
			before := current(t, log)
			var verb order.Verb
			switch rapid.IntRange(0, 5).Draw(t, "verb") {
			case 0:
				verb = order.Cancel{RequestedBy: order.ByCustomer, Reason: "r", At: now}
			case 1:
				verb = order.Resolve{Outcome: rapid.SampledFrom([]order.Outcome{order.OutcomeCompleted, order.OutcomeCancelled}).Draw(t, "outcome"), ResolvedBy: "o", Reason: "r"}
			case 2:
				step, _ := before.Expects()
				verb = order.Expire{Step: step.Step, Read: now, At: now}
			case 3:
				verb = order.Hear{Fact: order.PaymentAttentionRequired{
					Operation: rapid.SampledFrom([]string{"capture", "void", "refund"}).Draw(t, "operation"),
					Code:      rapid.SampledFrom(codes).Draw(t, "code"),
				}}
			default:
				verb = order.Hear{Fact: rapid.SampledFrom(events).Draw(t, "event").fact}
			}
			d, err := log.Run(do(verb))
			after := current(t, log)
			if _, hears := verb.(order.Hear); hears && err != nil {
				t.Fatalf("hearing is never refused: %v", err)
			}
			for _, e := range published(d.Facts) {
				said[e.Type()]++
			}
			if before.Ended() && len(published(d.Facts)) > 0 {
				t.Fatalf("said after the end: %v", d.Facts)
			}
			if before.Ended() && after.Status() != before.Status() {
				t.Fatalf("from %s to %s", before.Status(), after.Status())
			}
			if h, hears := verb.(order.Hear); hears {
				if again, err := log.Run(do(h)); err != nil || len(again.Facts) > 0 {
					t.Fatalf("heard again: %v, %v", again.Facts, err)
				}
			}
			_, waits := after.Expects()
			if open := after.Placed != nil && !after.Ended(); open && waits == (after.Attention() != "") {
				t.Fatalf("an open order waits for a fact (%t) or for a person (%q)", waits, after.Attention())
			} else if !open && waits {
				t.Fatal("waits, and is not open")
			}
			if open := after.Placed != nil && !after.Ended(); open &&
				(after.Shipped != nil && after.Captured != nil || after.PaymentFailed != nil || after.Voided != nil || after.Refunded != nil) {
				t.Fatal("has come to its end and does not say so")
			}
		}
		ends := said[contracts.OrderCompleted{}.Type()] + said[contracts.OrderCancelled{}.Type()] + said[contracts.OrderResolved{}.Type()]
		if o := current(t, log); ends > 1 || (ends == 1) != o.Ended() {
			t.Fatalf("%d ends said", ends)
		}
		if n := said[contracts.OrderCancellationRequested{}.Type()]; n > 1 {
			t.Fatalf("cancellation requested %d times", n)
		}
	})
}

// The status is a function of the set: any order of the same facts, none of which ends the order, shows the same.
func TestStatusIsAFunctionOfTheSet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := append(everyFact(), cancelRefused)
		set := rapid.SliceOfDistinct(rapid.SampledFrom(all), func(e order.Event) string { return e.Kind() }).Draw(t, "facts")
		one, other := state(set...), state(rapid.Permutation(set).Draw(t, "again")...)
		if one.Status() != other.Status() || one.Attention() != other.Attention() {
			t.Fatalf("%s, %q and %s, %q", one.Status(), one.Attention(), other.Status(), other.Attention())
		}
		a, aWaits := one.Expects()
		b, bWaits := other.Expects()
		if a != b || aWaits != bWaits {
			t.Fatalf("%v and %v", a, b)
		}
	})
}

// Two futures of one state know nothing of each other, nor the state of either.
func TestEvolveLeavesThePastAsItWas(t *testing.T) {
	t.Parallel()
	past := state(placed(), captureRefused, cancelRefused, order.DeadlineMissed{Step: order.StepCapture},
		order.PaymentAttentionRequired{Operation: "void", Code: "no"}, order.PaymentAttentionRequired{Operation: "refund", Code: "no"})
	was := asJSON(t, past)
	var futures []order.Order
	var then []string
	for _, code := range []string{"a", "b"} {
		for _, operation := range []string{"capture", "other", "book"} {
			o := order.Category.Fold(past, order.PaymentAttentionRequired{Operation: operation, Code: code},
				order.ShipmentAttentionRequired{Operation: operation, Code: code}, order.DeadlineMissed{Step: order.StepCapture, Due: t0.Add(1)},
				order.DeadlineMissed{Step: order.Step(operation + code)})
			futures, then = append(futures, o), append(then, asJSON(t, o))
		}
	}
	// A list with room behind its end, as one grown by append has.
	grown := past
	grown.PaymentAttention = append(make([]order.PaymentAttentionRequired, 0, 8), past.PaymentAttention...)
	one := order.Evolve(grown, order.PaymentAttentionRequired{Operation: "x", Code: "one"})
	other := order.Evolve(grown, order.PaymentAttentionRequired{Operation: "x", Code: "other"})
	if a, b := one.PaymentAttention[3].Code, other.PaymentAttention[3].Code; a != "one" || b != "other" {
		t.Errorf("futures share a list: %s and %s", a, b)
	}
	for i, o := range futures {
		if got := asJSON(t, o); got != then[i] {
			t.Errorf("a future was changed by another:\n%s\n%s", then[i], got)
		}
	}
	if got := asJSON(t, past); got != was {
		t.Errorf("the past was changed:\n%s\n%s", was, got)
	}
}

func asJSON(t *testing.T, o order.Order) string {
	t.Helper()
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
