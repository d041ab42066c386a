// Package freeport finds TCP ports on loopback that nobody listens on.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"syscall"
)

// Host is the only address that the servers of a suite on this machine listen on.
const Host = "127.0.0.1"

// Ports are taken from below those that the system gives to outgoing connections: one of these would take the port of
// a server that is stopped for a while.
const first, last = 20_000, 32_000

// Each process goes through them from a place of its own, and gives none again before it has given all: whoever was given
// one may not have bound it yet.
var (
	begin = rand.Uint32N(last - first)
	given atomic.Uint32
)

// Pick returns the port itself when it is free, and any free port for 0. A port that is taken is an error.
// The answer holds for the moment only: whoever binds the port must still expect to find it taken.
func Pick(port int) (int, error) {
	if port != 0 {
		return port, try(port)
	}
	for range last - first {
		port = first + int((begin+given.Add(1))%(last-first))
		if err := try(port); !errors.Is(err, syscall.EADDRINUSE) {
			return port, err
		}
	}
	return 0, fmt.Errorf("no port on %s is free from %d to %d", Host, first, last)
}

func try(port int) error {
	listener, err := net.Listen("tcp4", Address(port))
	if err != nil {
		return fmt.Errorf("port %d on %s is taken: %w", port, Host, err)
	}
	return listener.Close()
}

// Address is the port on loopback as "host:port".
func Address(port int) string {
	return net.JoinHostPort(Host, strconv.Itoa(port))
}
