package carrier

import (
	"context"
	"time"
)

// alarm wakes a loop when something is due, or when somebody rings. Between the two nothing runs.
type alarm struct{ bell chan struct{} }

func newAlarm() alarm { return alarm{bell: make(chan struct{}, 1)} }

// ring wakes the loop now. Rings that come while it is awake are one.
func (a alarm) ring() {
	select {
	case a.bell <- struct{}{}:
	default:
	}
}

// wait returns true when the moment has come or somebody rang, false when ctx ended. The zero time never comes.
func (a alarm) wait(ctx context.Context, until time.Time) bool {
	var due <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
		return true
	case <-a.bell:
		return true
	case <-ctx.Done():
		return false
	}
}
