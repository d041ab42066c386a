package processes

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
)

// Ports are taken from below those that the system gives to outgoing connections: one of these would take the
// port of a process that is stopped for a while.
const firstPort, lastPort = 20_000, 32_000

// reservation is a set of ports that nobody else can take until they are released.
type reservation struct{ listeners []net.Listener }

// next is the address of one more free port.
func (r *reservation) next() (string, error) {
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort))
		listener, err := net.Listen("tcp", address)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			return "", err
		}
		r.listeners = append(r.listeners, listener)
		return address, nil
	}
	return "", errors.New("no port is free")
}

func (r *reservation) release() {
	for _, listener := range r.listeners {
		_ = listener.Close()
	}
}
