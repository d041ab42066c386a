package shipment

import "waybill.dev/platform/es"

// HearResolution notes that an operator has settled the order by hand. What was asked of the carrier is still
// answered and noted, and nothing follows.
func HearResolution(tenant, order, outcome string) es.Command {
	return on(tenant, order, func(s Shipment) ([]Event, error) {
		return note(s.Resolved, ResolutionHeard{Outcome: outcome})
	})
}
