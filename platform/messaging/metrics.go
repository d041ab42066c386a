package messaging

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// register adds a collector, and gives the one that is there when another part of the process has the same.
func register[C prometheus.Collector](to prometheus.Registerer, c C) (C, error) {
	if to == nil {
		return c, nil
	}
	err := to.Register(c)
	var registered prometheus.AlreadyRegisteredError
	if errors.As(err, &registered) {
		if existing, ok := registered.ExistingCollector.(C); ok {
			return existing, nil
		}
	}
	return c, err
}
