package shipment_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	"waybill.dev/services/shipping/shipment"
)

// world is a shipment and the carrier that it talks to. The carrier decides once under each key and picks parcels up
// when it likes; its answers and webhooks get lost, come late, and come twice.
type world struct {
	log     *estest.Memory
	state   shipment.State // of the booking, at the carrier; "" without one
	refuses bool           // to book
	keeps   bool           // refuses to cancel, until an operator has talked to it
	answers map[string]es.Command
	jobs    []es.Job
	said    []contracts.Event
}

// run runs a command that nothing may be wrong with.
func (w *world) run(t *rapid.T, c es.Command) {
	d, err := w.log.Run(c)
	if err != nil {
		t.Fatalf("%v", err)
	}
	w.jobs = append(w.jobs, d.Jobs...)
	w.said = append(w.said, published(t, d.Facts)...)
}

// ask is the carrier's answer to a job, the same under the same key for ever.
func (w *world) ask(j es.Job) es.Command {
	switch j := j.(type) {
	case shipment.BookJob:
		return w.answer(j.Key, func() es.Command {
			if w.refuses {
				return shipment.RefuseBooking(tenant, order, j.Number, "address_not_served")
			}
			w.state = shipment.StateBooked
			return take(saysBooked)
		})
	case shipment.CancelJob:
		return w.answer(j.Key, func() es.Command {
			switch {
			case w.state == shipment.StatePickedUp || w.state == shipment.StateDelivered:
				return take(saysGone)
			case w.keeps:
				return shipment.RefuseCancel(tenant, order, j.Number, "cancellation_refused")
			}
			w.state = shipment.StateCancelled
			return take(saysNot)
		})
	}
	panic("no such job")
}

func (w *world) answer(key string, decide func() es.Command) es.Command {
	c, ok := w.answers[key]
	if !ok {
		c = decide()
		w.answers[key] = c
	}
	return c
}

// tell is what a webhook or the poll says now.
func (w *world) tell() (es.Command, bool) {
	switch w.state {
	case shipment.StatePickedUp:
		return take(saysGone), true
	case shipment.StateDelivered:
		return take(saysThere), true
	default:
		return es.Command{}, false
	}
}

func (w *world) shipment(t *rapid.T) shipment.Shipment {
	states, err := w.log.Load(stream)
	if err != nil {
		t.Fatal(err)
	}
	return shipment.Category.State(states, stream)
}

func (w *world) count(t contracts.Type) (n int) {
	for _, e := range w.said {
		if e.Type() == t {
			n++
		}
	}
	return n
}

// holds is what is true after every step.
func (w *world) holds(t *rapid.T) {
	shipped, cancelled := w.count(contracts.OrderShipped{}.Type()), w.count(contracts.ShipmentCancelled{}.Type())
	failed := w.count(contracts.ShippingFailed{}.Type())
	if shipped+cancelled+failed > 1 {
		t.Fatalf("one shipment, one end, and not %v", w.said)
	}
	if n := w.count(contracts.CancellationRefused{}.Type()); n > shipped {
		t.Fatalf("%d cancellations refused of %d parcels", n, shipped)
	}
	if w.count(contracts.ShipmentDelivered{}.Type()) > shipped {
		t.Fatal("delivered and not shipped")
	}
	if s := w.shipment(t); len(w.log.Facts) > 0 && s.IsShipped() && (s.Cancelled || s.HasFailed()) {
		t.Fatal("shipped and cancelled")
	}
}

// atRest is what is true when nothing moves any more.
func (w *world) atRest(t *rapid.T) {
	s := w.shipment(t)
	gone := w.state == shipment.StatePickedUp || w.state == shipment.StateDelivered
	if s.IsShipped() != gone {
		t.Fatalf("shipped is %t, and the carrier says %q", s.IsShipped(), w.state)
	}
	if (s.Asking != shipment.Attempt{}) {
		t.Fatalf("still asking %v", s.Asking)
	}
	if !s.Resolved && s.CancellationHeard {
		answered := s.Cancelled || s.HasFailed() || s.CancellationRefused || s.NeedsAttention()
		if !answered {
			t.Fatal("a cancellation that nobody answered")
		}
		if w.state == shipment.StateBooked && !s.NeedsAttention() {
			t.Fatal("a booking left behind")
		}
	}
	if !s.Resolved && !s.CancellationHeard && s.OrderHeard && s.StockReserved && !s.IsBooked() && !s.HasFailed() {
		t.Fatal("nothing was booked")
	}
}

func TestOneShipmentHasOneEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{
			log: estest.NewMemory(shipment.Category), answers: map[string]es.Command{},
			refuses: rapid.Float64Range(0, 1).Draw(t, "refuses to book") < 0.15,
			keeps:   rapid.Float64Range(0, 1).Draw(t, "refuses to cancel") < 0.3,
		}
		canceller, resolver := rapid.Bool().Draw(t, "a cancellation"), rapid.IntRange(0, 9).Draw(t, "a resolution") == 0
		messages := []es.Command{whenPlaced, whenReserved}
		if canceller {
			messages = append(messages, whenCancel)
		}
		if resolver {
			messages = append(messages, whenResolved)
		}
		t.Repeat(map[string]func(*rapid.T){
			"message": func(t *rapid.T) { w.run(t, rapid.SampledFrom(messages).Draw(t, "message")) },
			"job": func(t *rapid.T) {
				if len(w.jobs) == 0 {
					t.Skip("none")
				}
				answer := w.ask(rapid.SampledFrom(w.jobs).Draw(t, "job")) // a zombie's too
				if rapid.Bool().Draw(t, "answered") {
					w.run(t, answer)
				}
			},
			"the carrier moves": func(t *rapid.T) {
				switch w.state {
				case shipment.StateBooked:
					w.state = shipment.StatePickedUp
				case shipment.StatePickedUp:
					w.state = shipment.StateDelivered
				default:
					t.Skip("nothing to move")
				}
			},
			"the carrier tells": func(t *rapid.T) {
				c, ok := w.tell()
				if !ok {
					t.Skip("nothing to tell")
				}
				w.run(t, c)
			},
			"operator": func(t *rapid.T) {
				w.keeps = w.keeps && !w.shipment(t).NeedsAttention()
				d, err := w.log.Run(shipment.Retry(tenant, order))
				var refusal *es.Refusal
				if err != nil && !errors.As(err, &refusal) {
					t.Fatal(err)
				}
				w.jobs = append(w.jobs, d.Jobs...)
			},
			"": w.holds,
		})
		for _, m := range messages {
			w.run(t, m)
		}
		for i := 0; i < len(w.jobs); i++ {
			if i > 1000 {
				t.Fatal("the carrier is asked for ever")
			}
			w.run(t, w.ask(w.jobs[i]))
		}
		if c, ok := w.tell(); ok {
			w.run(t, c)
		}
		w.holds(t)
		w.atRest(t)
	})
}
