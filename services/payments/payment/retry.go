package payment

import (
	"time"

	"waybill.dev/platform/es"
)

// Retry lifts the refusals that stand in the payment's way, once a person has looked: what comes next is asked
// for under a new key.
func Retry(id es.StreamID, by string, at time.Time) es.Command {
	return es.On(Category, id, func(p Payment) ([]Fact, []es.Job, error) {
		if !p.Known() {
			return nil, nil, es.Refuse(es.NotFound, "there is no payment for this order")
		}
		if _, ok := p.Attention(); !ok {
			return nil, nil, es.Refuse(es.Conflict, "nothing about this payment needs attention")
		}
		var lifted []Fact
		for _, op := range []Operation{Capture, Void, Refund} {
			if p.refused(op) {
				lifted = append(lifted, RetryRequested{Operation: op, By: by})
			}
		}
		return follow(id, p, at, lifted...)
	})
}
