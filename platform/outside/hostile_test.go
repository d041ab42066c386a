package outside_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"waybill.dev/platform/outside"
	"waybill.dev/platform/outside/outsidetest"
)

// hostile is a server that reads a request and then does as it likes with the connection.
func hostile(t *testing.T, behave func(net.Conn)) *outside.HTTP {
	t.Helper()
	address := outsidetest.Serve(t, func(c net.Conn) {
		buffer := make([]byte, 4096)
		if _, err := c.Read(buffer); err == nil {
			behave(c)
		}
	})
	h, err := outside.NewHTTP("SYSTEM_URL", "http://"+address)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// write writes until nobody reads any more, and counts.
func write(c net.Conn, first, again string, pause time.Duration, written *atomic.Int64) {
	_, err := io.WriteString(c, first)
	for err == nil {
		var n int
		n, err = io.WriteString(c, again)
		written.Add(int64(n))
		time.Sleep(pause)
	}
}

// Whatever a server does with the connection, the call is over in time, takes no more than a bounded part of what is
// sent, and comes to no answer that somebody might believe.
func TestNoServerHoldsACallUp(t *testing.T) {
	t.Parallel()
	var written atomic.Int64
	kilobyte := strings.Repeat("x", 1<<10)
	for name, behave := range map[string]func(net.Conn){
		"never answers":            func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"closes":                   func(net.Conn) {},
		"resets":                   func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
		"speaks no HTTP":           func(c net.Conn) { _, _ = io.WriteString(c, "220 mail.example.com ESMTP\r\n") },
		"trickles its head":        func(c net.Conn) { write(c, "HTTP/1.1 200 OK\r\nX: ", "x", 100*time.Millisecond, &written) },
		"trickles interim answers": func(c net.Conn) { write(c, "", "HTTP/1.1 103 Early Hints\r\n\r\n", 100*time.Millisecond, &written) },
		"trickles its body":        func(c net.Conn) { write(c, "HTTP/1.1 200 OK\r\n\r\n", " ", 100*time.Millisecond, &written) },
		"trickles a refusal":       func(c net.Conn) { write(c, "HTTP/1.1 422 No\r\n\r\n", " ", 100*time.Millisecond, &written) },
		"cuts a refusal":           func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 402 No\r\nContent-Length: 99\r\n\r\n{\"code\":") },
		"cuts a chunk": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 402 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"co")
		},
		"an endless line":         func(c net.Conn) { write(c, "HTTP/1.1 200 OK\r\nX: ", kilobyte, 0, &written) },
		"endless headers":         func(c net.Conn) { write(c, "HTTP/1.1 200 OK\r\n", "X: "+kilobyte+"\r\n", 0, &written) },
		"endless interim answers": func(c net.Conn) { write(c, "", "HTTP/1.1 103 Early Hints\r\nX: "+kilobyte+"\r\n\r\n", 0, &written) },
		"an endless body":         func(c net.Conn) { write(c, "HTTP/1.1 200 OK\r\n\r\n{\"id\":\"", kilobyte, 0, &written) },
		"an endless chunk's header": func(c net.Conn) {
			write(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", kilobyte, 0, &written)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hostile(t, behave)
			began := time.Now()
			a, err := h.Post(t.Context(), "/", "key", struct{}{})
			if took := time.Since(began); took > outside.CallTimeout+2*time.Second {
				t.Errorf("it took %s", took)
			}
			if err == nil {
				var into struct{ ID string }
				if a.Code != "" || a.Read(&into) == nil {
					t.Errorf("status %d, code %q, %+v", a.Status, a.Code, into)
				}
				err = a.Undecided()
			}
			if !errors.Is(err, outside.ErrUnknown) {
				t.Errorf("it is taken for an answer: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		// Mostly what the kernel takes in before it is told to stop.
		if n := written.Load(); n > 128<<20 {
			t.Errorf("%d MB were taken", n>>20)
		}
	})
}

// Timeouts, cut connections and 5xx are silence, refusals are not; and an open breaker makes no connection at all.
func TestWhatOpensTheBreakerOfARealServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		behave func(net.Conn)
		opens  bool
	}{
		"never answers": {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, true},
		"cuts":          {func(net.Conn) {}, true},
		"is overloaded": {func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n") }, true},
		"fails":         {func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") }, true},
		"wants less":    {func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n") }, true},
		"refuses": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 402 No\r\nContent-Length: 19\r\n\r\n{\"code\":\"declined\"}")
		}, false},
		"does not understand": {func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n") }, false},
		"is somewhere else":   {func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var connections atomic.Int32
			h := hostile(t, func(conn net.Conn) {
				connections.Add(1)
				c.behave(conn)
			})
			system := outside.NewSystem("system")
			ask := func() error {
				_, err := outside.Ask(t.Context(), system, func() (int, error) {
					a, err := h.Post(t.Context(), "/", "key", struct{}{})
					switch {
					case err != nil:
						return 0, err
					case a.Status == http.StatusPaymentRequired && a.Code != "":
						return a.Status, nil
					}
					return 0, a.Undecided()
				})
				return err
			}
			asking := make(chan error, 5)
			for range cap(asking) { // at a time, as jobs do
				go func() { asking <- ask() }()
			}
			for range cap(asking) {
				if err := <-asking; errors.Is(err, outside.ErrUnknown) != c.opens {
					t.Errorf("%v", err)
				}
			}
			if opened := system.State() == outside.Open; opened != c.opens {
				t.Fatalf("the breaker is %s", system.State())
			}
			before := connections.Load()
			var notAsked *outside.NotAskedError
			if err := ask(); errors.As(err, &notAsked) != c.opens || (connections.Load() == before) != c.opens {
				t.Errorf("%v, after %d connections and %d", err, before, connections.Load())
			}
		})
	}
}

// Calls that time out leave no connections behind.
func TestSilentConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 1)
	h := hostile(t, func(c net.Conn) {
		_, _ = io.Copy(io.Discard, c)
		closed <- struct{}{}
	})
	if _, err := h.Get(t.Context(), "/"); !errors.Is(err, outside.ErrUnknown) {
		t.Fatal(err)
	}
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Errorf("the connection is open after a call of %s", outside.CallTimeout)
	}
}
