package server_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"waybill.dev/platform/server"
)

// River may take longer to stop than it is waited for: PostgreSQL is away at that moment, or a job does not end. It says
// that it has started when it is started meanwhile, and stops all the same. Then it is started once more.
func TestJobsAreWorkedAfterAStopThatTookLong(t *testing.T) {
	t.Parallel()
	e := &errands{}
	begun, release := make(chan struct{}), make(chan struct{})
	e.on("slow", func(context.Context, *server.App, server.JobOf[errand]) error {
		close(begun)
		<-release
		return nil
	})
	r := runCounting(t, e)
	r.ask("a", "slow")
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := server.StopRiver(ctx, r.App()); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("it was to take long: %v", err)
	}
	close(release)
	r.ask("b", "errand")
	eventually(t, "the next job is done", func() bool { return r.noted("b") == "errand" })
}
