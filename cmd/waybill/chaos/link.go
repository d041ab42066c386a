package chaos

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link stands between those who connect to a server and the server, on loopback, and spoils what goes over it. It is
// our own because the libraries for this know no half-closed connection, and do not say whose connection is whose.
type link struct {
	listener net.Listener
	// delay is how long each piece of what is said is held back, either way, in nanoseconds.
	delay atomic.Int64

	mu     sync.Mutex
	target string
	broken bool
	calls  map[*call]struct{}
	ended  sync.WaitGroup
}

// call is one connection, both halves of it.
type call struct{ client, server *net.TCPConn }

func newLink() (*link, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &link{listener: listener, calls: map[*call]struct{}{}}
	l.ended.Go(l.accept)
	return l, nil
}

// address is where clients connect to, host:port.
func (l *link) address() string { return l.listener.Addr().String() }

func (l *link) port() int { return l.listener.Addr().(*net.TCPAddr).Port }

// lead makes connections from now on go to the server at the address.
func (l *link) lead(target string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.target = target
}

func (l *link) accept() {
	for {
		client, err := l.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			l.ended.Go(func() { l.serve(client.(*net.TCPConn)) })
		}
	}
}

func (l *link) serve(client *net.TCPConn) {
	l.mu.Lock()
	target, broken := l.target, l.broken
	l.mu.Unlock()
	var server net.Conn
	var err error
	if !broken {
		server, err = net.DialTimeout("tcp4", target, 2*time.Second)
	}
	if broken || err != nil {
		reset(client)
		return
	}
	c := &call{client, server.(*net.TCPConn)}
	if !l.add(c) {
		reset(c.client, c.server)
		return
	}
	var halves sync.WaitGroup
	halves.Go(func() { l.carry(c.client, c.server) })
	halves.Go(func() { l.carry(c.server, c.client) })
	halves.Wait()
	l.mu.Lock()
	delete(l.calls, c)
	l.mu.Unlock()
	_ = c.client.Close()
	_ = c.server.Close()
}

// add is false where the link was broken while the server was being called.
func (l *link) add(c *call) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.broken {
		l.calls[c] = struct{}{}
	}
	return !l.broken
}

// carry carries one half until its end, which it passes on.
func (l *link) carry(from, to *net.TCPConn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			time.Sleep(time.Duration(l.delay.Load()))
			if _, failed := to.Write(buffer[:n]); failed != nil {
				_ = from.CloseRead()
				return
			}
		}
		if err != nil {
			_ = to.CloseWrite()
			return
		}
	}
}

// busy says whether there is a connection that could be spoiled.
func (l *link) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.calls) > 0
}

// snap resets every connection, and each that is tried until mend.
func (l *link) snap() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = true
	for c := range l.calls {
		reset(c.client, c.server)
	}
}

// mend lets connections through again.
func (l *link) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = false
}

// halve ends one half of every connection: of one the server hears the end of what the client says, of the next the
// client that of what the server says. The other half stays. It is false where there is no connection.
func (l *link) halve() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	toServer := false
	for c := range l.calls {
		if toServer = !toServer; toServer {
			_ = c.server.CloseWrite()
		} else {
			_ = c.client.CloseWrite()
		}
	}
	return len(l.calls) > 0
}

// leadsFrom says whether a connection of this link reaches its server from the port.
func (l *link) leadsFrom(port int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.calls {
		if c.server.LocalAddr().(*net.TCPAddr).Port == port {
			return true
		}
	}
	return false
}

func (l *link) close() {
	_ = l.listener.Close()
	l.snap()
	l.ended.Wait()
}

// reset closes the connections so that the other side sees a reset and not an end.
func reset(connections ...*net.TCPConn) {
	for _, c := range connections {
		_ = c.SetLinger(0)
		_ = c.Close()
	}
}
