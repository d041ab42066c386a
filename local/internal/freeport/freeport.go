// Package freeport finds TCP ports on loopback that nobody listens on.
package freeport

import (
	"fmt"
	"net"
	"strconv"
)

// Host is the only address that the servers of this module listen on.
const Host = "127.0.0.1"

// Pick returns the port itself when it is free, and any free port for 0. A port that is taken is an error.
// The answer holds for the moment only: whoever binds the port must still expect to find it taken.
func Pick(port int) (int, error) {
	listener, err := net.Listen("tcp4", Address(port))
	if err != nil {
		return 0, fmt.Errorf("port %d on %s is taken: %w", port, Host, err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// Address is the port on loopback as "host:port".
func Address(port int) string {
	return net.JoinHostPort(Host, strconv.Itoa(port))
}
