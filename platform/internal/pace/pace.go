// Package pace has the pauses between tries and looks, each of which ends with its context.
package pace

import (
	"context"
	"time"
)

// Backoff is a pause that doubles from First to Last.
type Backoff struct {
	First, Last time.Duration
	next        time.Duration
}

// Wait pauses, and says whether the context still stands.
func (b *Backoff) Wait(ctx context.Context) bool {
	b.next = min(max(b.First, b.next*2), b.Last)
	return Sleep(ctx, b.next)
}

// Reset begins with the first pause again.
func (b *Backoff) Reset() { b.next = 0 }

// Sleep pauses, and says whether the context still stands.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Every does something now and again, until the context ends.
func Every(ctx context.Context, pause time.Duration, do func()) {
	for ctx.Err() == nil {
		do()
		Sleep(ctx, pause)
	}
}
