package shipment

import "waybill.dev/platform/es"

// Retry asks the carrier again, under a new number, for what it refused for good: a person has lifted the cause.
// It is refused where nothing needs attention.
func Retry(tenant, order string) es.Command {
	return on(tenant, order, func(s Shipment) ([]Event, error) {
		switch {
		case !s.OrderHeard && !s.StockReserved && !s.CancellationHeard && !s.Resolved:
			return nil, es.Refuse(es.NotFound, "there is no shipment for this order")
		case !s.NeedsAttention():
			return nil, es.Refuse(es.Conflict, "nothing of this shipment needs attention")
		}
		return []Event{RetryRequested{Operation: s.Attention.Operation}}, nil
	})
}
