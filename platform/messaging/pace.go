package messaging

import (
	"context"
	"time"
)

// backoff is a pause that doubles.
type backoff struct {
	first, last time.Duration
	next        time.Duration
}

// wait pauses, and says whether the context still stands.
func (b *backoff) wait(ctx context.Context) bool {
	b.next = min(max(b.first, b.next*2), b.last)
	return sleep(ctx, b.next)
}

func (b *backoff) reset() { b.next = 0 }

// sleep pauses, and says whether the context still stands.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// every does something now and again, until the context ends.
func every(ctx context.Context, pause time.Duration, do func()) {
	for ctx.Err() == nil {
		do()
		sleep(ctx, pause)
	}
}
