package provider

import (
	"errors"
	"log/slog"
	"net"
	"time"
)

// The values of a Config that are left out.
const (
	DefaultListen                = "127.0.0.1:9081"
	DefaultSlowAnswer            = 3 * time.Second
	DefaultAuthorizationLifetime = 7 * 24 * time.Hour
)

// Config says where and how a provider runs. The zero value is a provider on DefaultListen that forgets
// everything when it ends.
type Config struct {
	// Listen is the address to serve HTTP on, host:port; port 0 is a free one. DefaultListen unless given.
	Listen string
	// Listener is served instead of Listen where it is given; the server closes it.
	Listener net.Listener
	// Data is the folder of the books, made where it is missing. Without one they end with the server.
	Data string
	// SlowAnswer is how long TokenSlow takes to answer. DefaultSlowAnswer unless given.
	SlowAnswer time.Duration
	// AuthorizationLifetime is how long a hold lasts. DefaultAuthorizationLifetime unless given.
	AuthorizationLifetime time.Duration
	// Logger hears of every operation, at debug level. Nothing is logged without one.
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.SlowAnswer < 0 {
		return c, errors.New("provider: SlowAnswer must not be negative")
	}
	if c.AuthorizationLifetime < 0 {
		return c, errors.New("provider: AuthorizationLifetime must not be negative")
	}
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.SlowAnswer == 0 {
		c.SlowAnswer = DefaultSlowAnswer
	}
	if c.AuthorizationLifetime == 0 {
		c.AuthorizationLifetime = DefaultAuthorizationLifetime
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
