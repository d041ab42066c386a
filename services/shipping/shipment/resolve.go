package shipment

import (
	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// HearResolution notes that an operator has settled the order by hand. What was asked of the carrier is still
// answered and noted, and nothing follows: a parcel that is booked stays so, and its pick-up is said if it comes. An
// outcome that nobody knows is refused.
func HearResolution(tenant, order, outcome string) es.Command {
	return on(tenant, order, func(s Shipment) ([]Event, error) {
		if !contracts.IsOutcome(outcome) {
			return nil, es.Refuse(es.Invalid, "the outcome %q of the resolution is not known", outcome)
		}
		return note(s.Resolved, ResolutionHeard{Outcome: outcome})
	})
}
