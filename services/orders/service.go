package orders

import (
	"context"
	"embed"
	"fmt"
	"time"

	"waybill.dev/platform/es"
	"waybill.dev/platform/server"
	"waybill.dev/services/orders/order"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config is what orders is configured by.
type Config struct {
	server.Config
	DeadlineSettle time.Duration `env:"DEADLINE_SETTLE" doc:"how long after a deadline, and with Kafka in reach, what was said in time is waited for before the deadline is judged; at most 1m"`
}

// Port is where orders listens unless it is told otherwise.
const Port = 8081

// Defaults is the configuration on this machine.
func Defaults() Config {
	return Config{Config: server.Defaults(Port), DeadlineSettle: 15 * time.Second}
}

// LongestSettle is the longest that DEADLINE_SETTLE may be: an audit counts on it.
const LongestSettle = time.Minute

// New is the service's table of contents. It calls nobody outside, so it has no jobs.
func New(c Config) (server.Service, error) {
	if c.DeadlineSettle <= 0 || c.DeadlineSettle > LongestSettle {
		return server.Service{}, fmt.Errorf("DEADLINE_SETTLE: %s is not above 0s and at most %s", c.DeadlineSettle, LongestSettle)
	}
	return server.Service{
		Name:       "orders",
		Doc:        Doc,
		Port:       Port,
		Categories: []es.Erased{order.Category},
		Hears:      order.Hears(),
		React:      order.React,
		Publish:    Publish,
		Project:    projectOrders,
		Routes:     routes,
		Background: []func(context.Context, *server.App) error{watchDeadlines(c.DeadlineSettle), measure},
		Migrations: migrations,
	}, nil
}

// Doc says in a sentence what the service is for.
const Doc = "Takes orders, knows how they stand, and watches that they come to an end."
