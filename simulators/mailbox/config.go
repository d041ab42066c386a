package mailbox

import (
	"log/slog"
	"net"
)

// The values of a Config that are left out.
const (
	DefaultListen     = "127.0.0.1:9083"
	DefaultListenSMTP = "127.0.0.1:9025"
)

// Config says where and how a mailbox runs. The zero value is a mailbox on DefaultListen and DefaultListenSMTP
// that forgets everything when it ends.
type Config struct {
	// Listen is the address to serve HTTP on, host:port; port 0 is a free one. DefaultListen unless given.
	Listen string
	// Listener is served instead of Listen where it is given; the server closes it.
	Listener net.Listener
	// ListenSMTP is the address to take mail on, host:port; port 0 is a free one. DefaultListenSMTP unless given.
	ListenSMTP string
	// ListenerSMTP is served instead of ListenSMTP where it is given; the server closes it.
	ListenerSMTP net.Listener
	// Data is the folder of the mails, made where it is missing. Without one they end with the server.
	Data string
	// Logger hears of every mail, at debug level, without its addresses. Nothing is logged without one.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.ListenSMTP == "" {
		c.ListenSMTP = DefaultListenSMTP
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
