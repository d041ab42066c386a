package verify

import (
	"context"
	"time"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/services/orders"
)

const (
	// judged is how long after its due time a deadline has surely been judged, by an orders service that works all the
	// while and is never behind by more than fresh: that, once to see where Kafka ends and once to read so far, and what
	// the looks themselves take.
	judged = orders.LongestSettle + 2*fresh + 20*time.Second
	fresh  = 20 * time.Second
)

// noteDue notes which deadlines count as judged. None does while orders has not yet looked at what passed while it was
// down, or has not read what may be awaited.
func (a *auditor) noteDue(ctx context.Context) error {
	justStarted, err := a.schemas[suite.Orders].hasJustStarted(ctx, judged)
	if err != nil {
		return err
	}
	behind, err := a.kafka.isBehind(ctx, suite.Orders, a.began.Add(-fresh))
	if err == nil && !justStarted && !behind {
		a.due = a.began.Add(-judged)
	}
	return err
}
