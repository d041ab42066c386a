package order

import (
	"fmt"
	"time"
)

// Expire judges a step that was found overdue.
type Expire struct {
	Step Step
	// Read is a time up to which everything that the other services had said has been read.
	Read time.Time
	// At is now.
	At time.Time
}

// Decide looks again, because the awaited fact may have come, or another step may have begun. A forward step that
// has missed its deadline asks for the cancellation; once the parcel is gone, or a cancellation was asked for, there
// is nothing left but a person's attention.
func (x Expire) Decide(o Order) ([]Event, error) {
	e, waits := o.Expects()
	if !waits || e.Step != x.Step || e.Due.After(x.Read) {
		return nil, nil
	}
	if forward := o.Shipped == nil && o.Requested == nil && !o.Cancelling(); forward {
		return o.with(CancellationRequested{
			RequestedBy: ByDeadline, Reason: fmt.Sprintf("%s_overdue", x.Step), RequestedAt: x.At,
		}), nil
	}
	return o.with(DeadlineMissed{Step: x.Step, Due: e.Due}), nil
}
