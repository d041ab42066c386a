package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"waybill.dev/platform/clock"
)

// longestSilence is how long a server may say nothing to who waits for it: longer than any statement may take there. A
// network that is cut without a sound would otherwise be noticed after a quarter of an hour, and a proxy that hangs never.
const longestSilence = 20 * time.Second

// dialAttentive dials connections that are given up when the server is silent for too long.
func dialAttentive(dial pgconn.DialFunc, silence time.Duration) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &attentive{Conn: conn, silence: silence}, nil
	}
}

// attentive is a connection whose reads and writes have an end, also where nobody has set one.
type attentive struct {
	net.Conn
	silence time.Duration

	mu sync.Mutex
	// set says that whoever uses the connection has set a deadline, which counts alone.
	set bool
}

// SetDeadline sets the deadline of the connection's user; the zero time takes it back.
func (a *attentive) SetDeadline(t time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.set = !t.IsZero()
	return a.Conn.SetDeadline(t)
}

func (a *attentive) Read(p []byte) (int, error) {
	a.bound(a.SetReadDeadline)
	n, err := a.Conn.Read(p)
	return n, a.broken(err)
}

func (a *attentive) Write(p []byte) (int, error) {
	a.bound(a.SetWriteDeadline)
	n, err := a.Conn.Write(p)
	return n, a.broken(err)
}

func (a *attentive) bound(set func(time.Time) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.set {
		_ = set(clock.Monotonic().Add(a.silence)) // a connection that is closed says so when it is used
	}
}

// broken makes of a deadline that nobody has set the end of the connection: pgx would go on with one that has timed out.
func (a *attentive) broken(err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.set {
		return err
	}
	return fmt.Errorf("PostgreSQL has said nothing for %v: %w", a.silence, net.ErrClosed)
}
