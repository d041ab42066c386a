package shipment

import (
	"fmt"

	"waybill.dev/platform/es"
)

// on is a command about one order's shipment: decide turns its state into new facts, and where there are any,
// what is to be done next follows in the same commit.
func on(tenant, order string, decide func(Shipment) ([]Event, error)) es.Command {
	return es.On(Category, Category.Stream(tenant, order), func(s Shipment) ([]Event, []es.Job, error) {
		facts, err := decide(s)
		if err != nil || len(facts) == 0 {
			return nil, nil, err
		}
		more, jobs := next(tenant, order, Category.Fold(s, facts...))
		return append(facts, more...), jobs, nil
	})
}

// note is the fact alone, or nothing where it was noted before.
func note(known bool, e Event) ([]Event, error) {
	if known {
		return nil, nil
	}
	return []Event{e}, nil
}

// next is what the stream says is to be done now. A cancellation is answered before anything else is asked, and
// what was asked and not answered is waited for.
func next(tenant, order string, s Shipment) ([]Event, []es.Job) {
	switch {
	case s.Resolved || s.Asking != Attempt{} || s.NeedsAttention() || s.HasFailed() || s.Cancelled:
		return nil, nil
	case s.IsShipped():
		if s.CancellationHeard && !s.CancellationRefused {
			return []Event{CancellationRefused{}}, nil
		}
	case s.CancellationHeard && !s.IsBooked():
		return []Event{Cancelled{}}, nil // a tombstone: whatever comes late books nothing
	case s.CancellationHeard:
		return ask(tenant, order, Attempt{Operation: Cancel, Number: s.CancelNumber})
	case s.OrderHeard && s.StockReserved && !s.IsBooked():
		return ask(tenant, order, Attempt{Operation: Book}) // a refused booking is the end: there is no second number
	}
	return nil, nil
}

// ask is the intent and the job that carries it out.
func ask(tenant, order string, a Attempt) ([]Event, []es.Job) {
	key := fmt.Sprintf("%s/%s/%s/%d", tenant, order, a.Operation, a.Number)
	job := Job{Order: order, Number: a.Number, Key: key}
	fact := Attempted{Operation: a.Operation, Number: a.Number, Key: key}
	if a.Operation == Cancel {
		return []Event{fact}, []es.Job{CancelJob{job}}
	}
	return []Event{fact}, []es.Job{BookJob{job}}
}
