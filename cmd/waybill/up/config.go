// Package up runs a whole suite in this process, for one machine: PostgreSQL as a child, a broker, the simulated
// outside world and the five services.
package up

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"waybill.dev/platform/server"
	"waybill.dev/services/inventory"
	"waybill.dev/services/notifications"
	"waybill.dev/services/orders"
	"waybill.dev/services/payments"
	"waybill.dev/services/shipping"

	"waybill.dev/cmd/waybill/suite"
)

// DefaultHost is the address that everything listens on unless another is given.
const DefaultHost = "127.0.0.1"

// ports are where the parts listen. PostgreSQL and the broker take free ones: nobody needs to know them by heart.
var ports = map[string]int{
	pageName:            8080,
	suite.Orders:        orders.Port,
	suite.Payments:      payments.Port,
	suite.Inventory:     inventory.Port,
	suite.Shipping:      shipping.Port,
	suite.Notifications: notifications.Port,
	suite.Provider:      9081,
	suite.Carrier:       9082,
	suite.Mailbox:       9083,
	suite.SMTP:          9025,
}

// pageName is the suite's own page among the names of the parts.
const pageName = "start page"

// Config says how a suite runs. The zero value is the default, but for the data folder.
type Config struct {
	// Data is the folder that everything is kept in. It is created where it is missing.
	Data string
	// Ephemeral keeps everything in a folder of its own, which Stop removes. Data is empty then.
	Ephemeral bool
	// Host is the address that everything but PostgreSQL and the broker listens on; empty is DefaultHost.
	Host string
	// RandomPorts takes free ports instead of the services' own.
	RandomPorts bool
	// PostgresURL logs in to a PostgreSQL database as one who may create roles; empty runs one.
	PostgresURL string
	// KafkaBrokers are used instead of an embedded broker where there are any.
	KafkaBrokers []string
	// PickUpAfter and DeliverAfter are how long the simulated carrier takes; zero is at once.
	PickUpAfter, DeliverAfter time.Duration
	// TenantsFile holds the tenants' settings; empty for one that suits the demo.
	TenantsFile string
	// TraceEndpoint takes spans over OTLP/HTTP; empty records none.
	TraceEndpoint string
	// Logger gets what the parts log; nil writes JSON lines to LogName in the data folder.
	Logger *slog.Logger
	// Progress is told in a few words what is being waited for; nil for nobody.
	Progress func(string)
	// Version is told in the suite's description.
	Version string
}

// LogName is the file in the data folder that a suite logs to.
const LogName = "waybill.log"

func (c Config) address(name string) string {
	port := ports[name]
	if c.RandomPorts {
		port = 0
	}
	return net.JoinHostPort(cmp.Or(c.Host, DefaultHost), strconv.Itoa(port))
}

// check says what is wrong with the configuration before anything is started.
func (c Config) check() error {
	if c.Ephemeral == (c.Data != "") {
		return errors.New("a suite keeps its data in a folder, or is ephemeral: one of both is to be said")
	}
	if c.PickUpAfter < 0 || c.DeliverAfter < 0 {
		return errors.New("the carrier cannot pick up or deliver before it was told to")
	}
	if _, err := server.LoadTenants(c.TenantsFile); err != nil {
		return err
	}
	if c.RandomPorts {
		return nil
	}
	// The services take their addresses late, after PostgreSQL has started: a taken one is told at once.
	for _, name := range suite.ServiceNames() {
		listener, err := listen(c.address(name), name)
		if err != nil {
			return err
		}
		_ = listener.Close()
	}
	return nil
}

// listen takes an address for a part of the suite.
func listen(address, name string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s cannot listen on %s: %w", name, address, cause(err))
	}
	return listener, nil
}

// cause leaves out what the sentence around it has said.
func cause(err error) error {
	var operation *net.OpError
	if errors.As(err, &operation) {
		return operation.Err
	}
	return err
}

// folder makes the data folder. That of an ephemeral suite is a new one, for the log and the connections; what
// the parts keep, they keep in folders of their own.
func (c Config) folder() (string, error) {
	if c.Ephemeral {
		return os.MkdirTemp("", "waybill-")
	}
	folder, err := filepath.Abs(c.Data)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o711); err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	return folder, nil
}
