package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// driver is River's driver with our own ear: a job wakes the workers of its own process without a NOTIFY in the
// commit, which would make all commits that notify wait for each other's flush, on the whole server.
type driver struct {
	*riverpgxv5.Driver
	wake *waker
}

func (d driver) SupportsListenNotify() bool { return false }

func (d driver) SupportsListener() bool { return true }

func (d driver) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	return &listener{wake: d.wake, schema: params.Schema}
}

// waker wakes the workers.
type waker struct{ ring chan struct{} }

func newWaker() *waker { return &waker{make(chan struct{}, 1)} }

func (w *waker) now() {
	select {
	case w.ring <- struct{}{}:
	default: // it has been rung and not been heard yet
	}
}

func (w *waker) after(pause time.Duration) { time.AfterFunc(pause, w.now) }

// listener hands the waker's rings to River as if PostgreSQL had notified it.
type listener struct {
	wake   *waker
	schema string
}

func (l *listener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case <-l.wake.ring:
		return &riverdriver.Notification{Topic: "river_insert", Payload: `{"queue":"` + river.QueueDefault + `"}`}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *listener) Schema() string                         { return l.schema }
func (l *listener) Connect(context.Context) error          { return nil }
func (l *listener) Close(context.Context) error            { return nil }
func (l *listener) Ping(context.Context) error             { return nil }
func (l *listener) Listen(context.Context, string) error   { return nil }
func (l *listener) Unlisten(context.Context, string) error { return nil }
func (l *listener) SetAfterConnectExec(string)             {}

// quiet keeps River's lines below warnings out of the log: it tells of every job.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
