package payment

import (
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// Resolve notes that an operator settled the order by hand. Nothing more is begun, whatever the outcome: money that is
// held or taken stays where it is, for the operator has seen to it. What has been asked of the provider ends, and what
// came of it is noted and said. An outcome that nobody knows is refused.
func Resolve(id es.StreamID, word contracts.OrderResolved, at time.Time) es.Command {
	return es.On(Category, id, func(p Payment) ([]Fact, []es.Job, error) {
		switch {
		case !contracts.IsOutcome(word.Outcome):
			return nil, nil, es.Refuse(es.Invalid, "the outcome %q of the resolution is not known", word.Outcome)
		case p.Resolved:
			return nil, nil, nil
		}
		return follow(id, p, at, ResolutionHeard{})
	})
}
