package client

import (
	"context"
	"fmt"
	"time"
)

// Await asks again and again until the condition holds: until it returns no error. Its error says what is not
// as it should be yet; the last one is returned when ctx ends before.
func Await(ctx context.Context, condition func(ctx context.Context) error) error {
	const first, longest = 10 * time.Millisecond, 250 * time.Millisecond
	for pause := first; ; pause = min(pause*3/2, longest) {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w, and still: %w", context.Cause(ctx), err)
		case <-timer.C:
		}
	}
}
