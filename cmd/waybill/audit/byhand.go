package audit

import (
	"fmt"

	"waybill.dev/services/orders/order"
	"waybill.dev/simulators/carrier"
)

// byHand says that an operator has settled the order with the outside by hand.
func (a *account) byHand() bool { return a.order.Resolved != nil }

// leftByHand is what the outside's books still have of an order that an operator has settled otherwise. It is no
// violation: a resolution moves no money and stops no parcel, and an operator may have settled it past these books. But
// somebody should know of money that is held for nobody.
func (a *account) leftByHand() (left []string) {
	if !a.byHand() || a.order.Placed == nil {
		return nil
	}
	add := func(format string, args ...any) { left = append(left, fmt.Sprintf(format, args...)) }
	completed, kept := a.order.Resolved.Outcome == order.OutcomeCompleted, a.kept()
	switch total := a.order.Placed.Total; {
	case a.held():
		add("the provider holds money")
	case completed && kept != total.Amount:
		add("of %d %s the provider has taken %d", total.Amount, total.Currency, kept)
	case !completed && kept != 0:
		add("the provider has kept %d %s", kept, total.Currency)
	}
	switch {
	case completed && !a.gone():
		add("no parcel has gone")
	case !completed && a.gone():
		add("the parcel has gone")
	case !completed && len(a.Parcels) == 1 && a.Parcels[0].Status == carrier.Booked:
		add("the carrier is to fetch the parcel")
	}
	return left
}
