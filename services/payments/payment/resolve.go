package payment

import (
	"time"

	"waybill.dev/platform/es"
)

// Resolve notes that an operator settled the order by hand. Nothing more is begun; what has been asked of the
// provider ends, and what came of it is noted and said.
func Resolve(id es.StreamID, at time.Time) es.Command {
	return es.On(Category, id, func(p Payment) ([]Fact, []es.Job, error) {
		if p.Resolved {
			return nil, nil, nil
		}
		return follow(id, p, at, ResolutionHeard{})
	})
}
