package client

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Await asks again and again until the condition holds: until it returns no error. Its error says what is not
// as it should be yet; the last one is returned when ctx ends before.
func Await(ctx context.Context, condition func(ctx context.Context) error) error {
	const first, longest = 10 * time.Millisecond, 250 * time.Millisecond
	var last error
	for pause := first; ; pause = min(pause*3/2, longest) {
		err := condition(ctx)
		if err == nil {
			return nil
		}
		// A question that the end of ctx has broken off tells only of that.
		if cause := context.Cause(ctx); cause == nil || !errors.Is(err, cause) {
			last = err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			if last == nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("%w, and still: %w", context.Cause(ctx), last)
		case <-timer.C:
		}
	}
}
