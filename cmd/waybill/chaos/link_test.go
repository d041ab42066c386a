package chaos

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"waybill.dev/platform/outside/outsidetest"
)

// echo is a server that says again what it hears, until it hears the end of it.
func echo(t *testing.T) string {
	t.Helper()
	return outsidetest.Serve(t, func(c net.Conn) { _, _ = io.Copy(c, c) })
}

func startLink(t *testing.T, target string) *link {
	t.Helper()
	l, err := newLink()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	l.lead(target)
	return l
}

func dial(t *testing.T, l *link) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp4", l.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// exchange says a word and waits for its echo.
func exchange(c net.Conn) error {
	if _, err := c.Write([]byte("word")); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 4))
	return err
}

func TestALinkCarriesAndDelays(t *testing.T) {
	t.Parallel()
	l := startLink(t, echo(t))
	c := dial(t, l)
	if err := exchange(c); err != nil {
		t.Fatal(err)
	}
	if l.leadsFrom(c.LocalAddr().(*net.TCPAddr).Port) {
		t.Error("the client's own port is taken for that which the server sees")
	}
	const delay = 50 * time.Millisecond
	l.delay.Store(int64(delay))
	began := time.Now()
	if err := exchange(c); err != nil || time.Since(began) < 2*delay {
		t.Errorf("%v, after %s, each way delayed by %s", err, time.Since(began), delay)
	}
	l.delay.Store(0)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
}

func TestALinkResets(t *testing.T) {
	t.Parallel()
	l := startLink(t, echo(t))
	before := dial(t, l)
	if err := exchange(before); err != nil {
		t.Fatal(err)
	}
	l.snap()
	if err := exchange(before); !wasReset(err) {
		t.Errorf("a connection of before: %v, want a reset", err)
	}
	meanwhile, err := net.Dial("tcp4", l.address())
	if err == nil {
		defer meanwhile.Close()
		err = exchange(meanwhile)
	}
	if !wasReset(err) {
		t.Errorf("a connection meanwhile: %v, want a reset", err)
	}
	l.mend()
	if err := exchange(dial(t, l)); err != nil {
		t.Errorf("after it is mended: %v", err)
	}
}

func wasReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func TestALinkHalfCloses(t *testing.T) {
	t.Parallel()
	l := startLink(t, echo(t))
	if l.halve() {
		t.Error("without a connection there was one to halve")
	}
	c := dial(t, l)
	if err := exchange(c); err != nil {
		t.Fatal(err)
	}
	if !l.halve() {
		t.Fatal("there was nothing to halve")
	}
	// The server hears the end, and ends: what it had said before is not lost.
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v, want the end", rest, err)
	}
}
