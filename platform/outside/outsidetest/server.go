package outsidetest

import (
	"net"
	"testing"
)

// Serve is the address of a server that does as it likes with each connection, which is closed behind it.
func Serve(t testing.TB, behave func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				behave(c)
			}()
		}
	}()
	return listener.Addr().String()
}
