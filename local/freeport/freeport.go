// Package freeport finds TCP ports on loopback that nobody listens on.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// Host is the only address that the servers of a suite on this machine listen on.
const Host = "127.0.0.1"

// Ports are taken from below those that the system gives to outgoing connections: one of these would take the port of
// a server that is stopped for a while.
const first, last = 20_000, 32_000

// Reservation is a set of ports that nobody else can take until they are released, and no two of which are the same.
// Its zero value holds none.
type Reservation struct{ listeners []net.Listener }

// Take reserves the port itself when it is free, and any free port for 0. A port that is taken is an error.
func (r *Reservation) Take(port int) (int, error) {
	if port != 0 {
		return port, r.listen(port)
	}
	for range 1000 {
		port = first + rand.IntN(last-first)
		if err := r.listen(port); !errors.Is(err, syscall.EADDRINUSE) {
			return port, err
		}
	}
	return 0, fmt.Errorf("no port on %s is free from %d to %d", Host, first, last)
}

func (r *Reservation) listen(port int) error {
	listener, err := net.Listen("tcp4", Address(port))
	if err != nil {
		return fmt.Errorf("port %d on %s is taken: %w", port, Host, err)
	}
	r.listeners = append(r.listeners, listener)
	return nil
}

// Release lets go of the ports. Whoever binds one then must still expect to find it taken.
func (r *Reservation) Release() {
	for _, listener := range r.listeners {
		_ = listener.Close()
	}
	r.listeners = nil
}

// Pick is what Take would reserve. The answer holds for the moment only.
func Pick(port int) (int, error) {
	var r Reservation
	defer r.Release()
	return r.Take(port)
}

// Address is the port on loopback as "host:port".
func Address(port int) string {
	return net.JoinHostPort(Host, strconv.Itoa(port))
}
