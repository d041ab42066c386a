// Package suite says what a running suite is and where its parts listen, for people as a start page and for
// programs as /suite.json.
package suite

import "time"

// DefaultURL is where a suite is looked for unless another place is named.
const DefaultURL = "http://127.0.0.1:8080"

// The services by the names that a Description has them under.
const (
	Orders        = "orders"
	Payments      = "payments"
	Inventory     = "inventory"
	Shipping      = "shipping"
	Notifications = "notifications"
)

// ServiceNames are all services, in the order in which people meet them.
func ServiceNames() []string { return []string{Orders, Payments, Inventory, Shipping, Notifications} }

// The simulators by the names that a Description has them under.
const (
	Provider = "provider"
	Carrier  = "carrier"
	Mailbox  = "mailbox"
	SMTP     = "smtp" // the mailbox's other address
)

// SimulatorNames are the simulators that answer over HTTP.
func SimulatorNames() []string { return []string{Provider, Carrier, Mailbox} }

// Description is a running suite. It holds no secrets.
type Description struct {
	// Version is that of the program that runs the suite.
	Version string `json:"version"`
	// StartedAt is when the suite was ready.
	StartedAt time.Time `json:"startedAt"`
	// Services are base URLs by the services' names: "http://127.0.0.1:8081".
	Services map[string]string `json:"services"`
	// Simulators are base URLs by the simulators' names, and host:port for SMTP.
	Simulators map[string]string `json:"simulators"`
	// KafkaBrokers are host:port each.
	KafkaBrokers []string `json:"kafkaBrokers"`
	// PublishPrefix stands before the topics that the services publish to.
	PublishPrefix string `json:"publishPrefix,omitempty"`
	// DataFolder is the folder that the suite keeps its data in; empty where it keeps none of its own.
	DataFolder string `json:"dataFolder,omitempty"`
	// Processes are what the suite consists of on this machine; their children belong to them.
	Processes []Process `json:"processes"`
}

// Process is a process of a suite, "postgres" or "orders".
type Process struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
}
