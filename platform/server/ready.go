package server

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/postgres"
)

// readiness is what /readyz answers.
type readiness struct {
	Status string `json:"status"`
	// Degraded names what is not as it should be while the service works on.
	Degraded []string `json:"degraded,omitempty"`
}

// ready answers 503 only without PostgreSQL or without the schema: nothing can be accepted then.
func (s *Server) ready(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), 2*time.Second)
	defer cancel()
	if err := s.reachDatabase(ctx); err != nil {
		s.app.Logger.DebugContext(ctx, "not ready", "error", err)
		return retryLater(http.StatusServiceUnavailable, "the database is out of reach, or its schema has not been migrated")
	}
	answer := readiness{Status: "ready", Degraded: s.degraded()}
	if len(answer.Degraded) > 0 {
		answer.Status = "degraded"
	}
	return c.JSON(http.StatusOK, answer)
}

// reachDatabase looks at the schema until it has been right once, and then only whether PostgreSQL answers.
func (s *Server) reachDatabase(ctx context.Context) error {
	if s.migrated.Load() {
		return s.app.Pool.Ping(ctx)
	}
	err := postgres.Migrated(ctx, s.app.Pool, s.service.Migrations)
	if err == nil {
		err = postgres.Native(ctx, s.app.Pool)
	}
	s.migrated.Store(err == nil)
	return err
}

// admit lets no command pass before the schema has been seen to be right: what is written to one that has to be adopted
// first would have its place before what is there.
func (s *Server) admit(ctx context.Context) error {
	if s.migrated.Load() {
		return nil
	}
	if err := s.reachDatabase(ctx); err != nil {
		return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, err)
	}
	return nil
}

func (s *Server) degraded() []string {
	degraded := s.clock.degraded()
	select {
	case <-s.connected:
		degraded = append(degraded, s.relay.Degraded()...)
		if s.app.Consumer != nil {
			degraded = append(degraded, s.app.Consumer.Degraded()...)
		}
		if forgotten := s.offsetsForgotten.Load(); forgotten != nil && *forgotten != "" {
			degraded = append(degraded, *forgotten)
		}
	default:
		degraded = append(degraded, "kafka: its topics have not been reached")
	}
	if s.app.jobs != nil && !s.app.jobs.running.Load() {
		degraded = append(degraded, "jobs: they are not being worked")
	}
	if s.app.jobs != nil {
		degraded = append(degraded, s.app.jobs.partners.degraded()...)
		degraded = append(degraded, s.app.jobs.troubles.degraded()...)
	}
	return degraded
}
