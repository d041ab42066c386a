package server

import (
	"context"
	"time"

	"waybill.dev/platform/clock"
)

// housekeep sees to what time alone brings about.
func (s *Server) housekeep(ctx context.Context) error {
	const often, seldom = 30 * time.Second, time.Hour
	look := time.NewTicker(often)
	defer look.Stop()
	var swept time.Time
	for {
		if err := s.clock.compare(ctx, s.app); err != nil {
			return err
		}
		if s.app.jobs != nil {
			if err := revive(ctx, s.app); err != nil {
				return err
			}
		}
		if time.Since(swept) >= seldom {
			if _, err := s.app.Log.SweepIdempotencyKeys(ctx); err != nil {
				return err
			}
			swept = clock.Monotonic()
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil
		}
	}
}
