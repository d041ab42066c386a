package audit

// excuse is what an order that shows attention may leave undone.
type excuse uint

const (
	// aHold: money is still held for it.
	aHold excuse = 1 << iota
	// aCapture: money is still taken for it.
	aCapture
	// anUnpaidParcel: it is shipped, and not paid.
	anUnpaidParcel
	// aReservation: stock is still kept for it.
	aReservation
	// aRequest: a request for its cancellation has no answer.
	aRequest
)

// excusesOf lists, by the name of each reason for attention, what an order may leave undone for it, and nothing else.
func excusesOf(reason string) excuse {
	switch reason {
	case "capture refused": // the parcel is gone, and the money is not taken
		return aHold | anUnpaidParcel
	case "void refused": // nothing was shipped, and the hold stays
		return aHold | aRequest
	case "refund refused": // nothing was shipped, and the money stays with us
		return aCapture | aRequest
	case "shipment cancel refused": // the parcel is booked, and not picked up: all waits for what becomes of it
		return aHold | aCapture | aReservation | aRequest
	}
	return 0
}

// excused is what the order's reasons excuse together. What an operator has settled by hand is not asked for here: see
// byHand.
func (a *account) excused() (all excuse) {
	for _, r := range a.order.Reasons() {
		all |= excusesOf(r.Name)
	}
	return all
}

// may says whether the order is excused from something.
func (a *account) may(e excuse) bool { return a.excuses&e != 0 }
