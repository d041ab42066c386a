package order

import (
	"time"

	"waybill.dev/platform/es"
)

// Cancel asks for the order to be stopped. Whether it can be is for shipping to answer, which alone knows where the
// parcel is; so a shipped order may be asked for too, until shipping has said no.
type Cancel struct {
	RequestedBy RequestedBy
	Reason      string
	At          time.Time
}

// Validate names every wrong field at once.
func (c Cancel) Validate() []Wrong {
	var w wrongs
	if c.RequestedBy != ByCustomer && c.RequestedBy != ByOperator {
		w.bound("requestedBy", "must be %q or %q", ByCustomer, ByOperator)
	}
	w.text("reason", c.Reason, 1, MaxReason)
	return w
}

// Decide asks once. An order that is on its way back already needs no asking.
func (c Cancel) Decide(o Order) ([]Event, error) {
	if err := refuse(c.Validate()); err != nil {
		return nil, err
	}
	switch {
	case o.Placed == nil:
		return nil, errUnknown
	case o.Ended():
		return nil, es.Refuse(es.Conflict, "the order is %s", o.Status())
	case o.Refused != nil:
		return nil, es.Refuse(es.Conflict, "the cancellation was refused: the carrier has the parcel")
	case o.Cancelling() || o.Requested != nil:
		return nil, nil
	}
	return o.with(CancellationRequested{RequestedBy: c.RequestedBy, Reason: c.Reason, RequestedAt: c.At}), nil
}

var errUnknown = es.Refuse(es.NotFound, "there is no such order")
