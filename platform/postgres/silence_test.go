package postgres_test

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/failure"
	"waybill.dev/platform/postgres"
)

// throughALink opens a pool that waits for a silent server as long as it is told, by way of a link that hands on nothing
// more once a client has said a word: as a network that is cut without a sound, or a proxy that hangs.
func throughALink(t *testing.T, word string, longest time.Duration) (pool *pgxpool.Pool, fallen *atomic.Int32) {
	t.Helper()
	u, err := url.Parse(provision(t, empty(t), "inventory")["inventory"].ServiceURL)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	link, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = link.Close() })
	fallen = &atomic.Int32{}
	cut := make(chan struct{})
	go func() {
		for {
			client, err := link.Accept()
			if err != nil {
				return
			}
			go func() {
				<-cut
				_ = client.Close()
			}()
			go carry(client, server, []byte(word), fallen)
		}
	}()
	u.Host = link.Addr().String()
	pool, err = postgres.OpenWaiting(t.Context(), u.String(), postgres.Options{Service: "inventory", MaxConns: 2}, longest)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	t.Cleanup(func() { close(cut) }) // before the pool is closed, which takes leave of the server
	return pool, fallen
}

// carry hands on what both say until the client says the word for the first time on any link.
func carry(client net.Conn, server string, word []byte, fallen *atomic.Int32) {
	defer client.Close()
	behind, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer behind.Close()
	var hung atomic.Bool
	go handOn(client, behind, func([]byte) bool { return !hung.Load() })
	handOn(behind, client, func(said []byte) bool {
		if bytes.Contains(said, word) && fallen.CompareAndSwap(0, 1) {
			hung.Store(true)
		}
		return !hung.Load()
	})
}

// handOn hands on what may pass.
func handOn(to, from net.Conn, may func(said []byte) bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if !may(buffer[:n]) {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// Nobody waits for ever for a server that has fallen silent, whether they have said how long they would or not: a commit's
// rollback, which has no end of its own, would hold up every command behind it, and nobody would be told.
func TestASilentServerIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		word string
		do   func(*pgxpool.Pool) error
	}{
		"a statement": {"now()", func(pool *pgxpool.Pool) error {
			_, err := pool.Exec(context.Background(), "SELECT now()")
			return err
		}},
		"a rollback": {"rollback", func(pool *pgxpool.Pool) error {
			tx, err := pool.Begin(context.Background())
			if err != nil {
				return err
			}
			return tx.Rollback(context.Background())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, fallen := throughALink(t, c.word, 500*time.Millisecond)
			ended := make(chan error, 1)
			go func() { ended <- c.do(pool) }()
			select {
			case err := <-ended:
				if fallen.Load() == 0 || failure.Of(err) != failure.Transient {
					t.Errorf("the link has fallen silent: %d, %v", fallen.Load(), err)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("it still waits")
			}
			// The connection is given up, and the next one works.
			if err := c.do(pool); err != nil {
				t.Error(err)
			}
		})
	}
}

// Who has said how long they would wait is told so, and not that the server was silent.
func TestACallersOwnTimeCounts(t *testing.T) {
	t.Parallel()
	pool, _ := throughALink(t, "pg_sleep", 30*time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := pool.Exec(ctx, "SELECT pg_sleep(0)"); failure.Of(err) != failure.Transient || ctx.Err() == nil {
		t.Errorf("%v", err)
	}
	if _, err := pool.Exec(t.Context(), "SELECT pg_sleep(0)"); err != nil {
		t.Error(err)
	}
}
