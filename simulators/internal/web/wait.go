package web

import (
	"context"
	"time"
)

// Wait lets time pass before a slow answer; it is false when the caller has gone before.
func Wait(ctx context.Context, while time.Duration) bool {
	timer := time.NewTimer(while)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
