package messaging

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/clock"
)

const (
	// idleSession is after how long the server ends the session of a leader that does not speak: one that was
	// stopped keeps its connection, because the kernel goes on answering for it.
	idleSession = 4 * time.Second
	// pingEvery is how often a leader speaks.
	pingEvery = time.Second
	// standIn is how often the others try. With idleSession it makes out how soon a leader is replaced.
	standIn = 2 * time.Second
	// statementTime ends a statement on a server that has stopped answering.
	statementTime = 10 * time.Second
	// lockClass sets the leaders' advisory locks apart from other locks of two numbers; the second is the
	// number of the table, so that services in one database never share a lock.
	lockClass = 0x57617962
)

// lead is the session that holds the lock of a table, such as the outbox. What only a leader may do is done in it: when
// it is gone, so is the lock, and the statement fails.
type lead struct {
	mu     sync.Mutex
	conn   *pgx.Conn
	table  string
	spoken time.Time
}

// connect opens a session for leading those who work on a table, beside the pool.
func connect(ctx context.Context, pool *pgxpool.Pool, table string) (*lead, error) {
	config := pool.Config().ConnConfig.Copy()
	config.Tracer = nil // it asks all the time, and says nothing that belongs to an order
	config.RuntimeParams["idle_session_timeout"] = fmt.Sprint(idleSession.Milliseconds())
	config.RuntimeParams["tcp_user_timeout"] = fmt.Sprint(idleSession.Milliseconds())
	// An offset that is lost with the server's memory only sends a batch again.
	config.RuntimeParams["synchronous_commit"] = "off"
	ctx, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return &lead{conn: conn, table: table, spoken: clock.Monotonic()}, nil
}

// do runs statements in the session, one caller at a time. A session that is broken fails from then on.
func (l *lead) do(ctx context.Context, statements func(context.Context, *pgx.Conn) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	err := statements(ctx, l.conn)
	l.spoken = clock.Monotonic()
	return err
}

// take tries for the lock once.
func (l *lead) take(ctx context.Context) (taken bool, err error) {
	err = l.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1::int, $2::text::regclass::oid::int)`, lockClass, l.table).Scan(&taken)
	})
	return taken, err
}

// keep speaks until the context ends or the session has, and then says why it has.
func (l *lead) keep(ctx context.Context) error {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := l.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			if time.Since(l.spoken) < pingEvery*9/10 {
				return nil
			}
			return conn.Ping(ctx)
		})
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("the leader's session has ended: %w", err)
		}
	}
}

// close gives the lock back, by ending the session.
func (l *lead) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.conn.Close(ctx)
}
