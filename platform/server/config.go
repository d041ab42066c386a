package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"time"

	"waybill.dev/platform/failure"
	"waybill.dev/platform/messaging"
)

// Config is what every service is configured by, from its environment. A service's own configuration embeds it.
type Config struct {
	Listen              string            `env:"LISTEN" doc:"address that the HTTP server listens on"`
	DatabaseURL         string            `env:"DATABASE_URL" doc:"the service's login to its PostgreSQL database (required)"`
	MigrationsURL       string            `env:"MIGRATIONS_URL" doc:"the schema owner's login; with it the schema is migrated at the start"`
	DatabaseConnections int32             `env:"DATABASE_CONNECTIONS" doc:"how many database connections are open at most"`
	KafkaBrokers        []string          `env:"KAFKA_BROKERS" doc:"addresses of Kafka brokers, separated by commas"`
	PublishPrefix       string            `env:"PUBLISH_PREFIX" doc:"stands before the names of the topics that are published to"`
	HearPrefix          string            `env:"HEAR_PREFIX" doc:"stands before the names of the topics and of the group that are consumed"`
	TenantsFile         string            `env:"TENANTS_FILE" doc:"YAML file with the settings of tenants"`
	InboxKeep           time.Duration     `env:"INBOX_KEEP" doc:"how long it is remembered which messages were handled, 48h or more"`
	JobWorkers          int               `env:"JOB_WORKERS" doc:"how many jobs are worked at a time"`
	TransientCooldowns  failure.Cooldowns `env:"COOLDOWNS_TRANSIENT" doc:"pauses before a message is tried again that found something away or contended, separated by commas; the last one is repeated for as long as it takes"`
	BugCooldowns        failure.Cooldowns `env:"COOLDOWNS_BUG" doc:"pauses before a message is tried again that panicked or failed in a way nobody has foreseen; after the last one it is parked"`
	JobCooldowns        failure.Cooldowns `env:"COOLDOWNS_JOB" doc:"pauses before a job is done again that failed; the last one is repeated for ever"`
	ParkingPlaces       int               `env:"PARKING_PLACES" doc:"how many messages from Kafka may be parked before nothing more is heard"`
	LogLevel            slog.Level        `env:"LOG_LEVEL" doc:"DEBUG, INFO, WARN or ERROR"`
	TraceEndpoint       string            `env:"OTEL_EXPORTER_OTLP_ENDPOINT" doc:"OTLP/HTTP endpoint that spans are sent to; without it none are recorded"`
}

// Defaults are the configuration of a service on this machine. The port is the service's.
func Defaults(port int) Config {
	return Config{
		Listen:              net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		DatabaseConnections: 10,
		KafkaBrokers:        []string{"127.0.0.1:9092"},
		InboxKeep:           inboxKeptFor,
		JobWorkers:          50,
		TransientCooldowns:  messaging.DefaultRetry().Transient,
		BugCooldowns:        messaging.DefaultRetry().Bug,
		JobCooldowns: failure.Cooldowns{
			200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond,
			3200 * time.Millisecond, 6400 * time.Millisecond, 12800 * time.Millisecond, 30 * time.Second,
		},
		ParkingPlaces: 1000,
	}
}

// Configuration is a configuration that embeds Config.
type Configuration interface {
	base() Config
}

func (c Config) base() Config { return c }

func (c Config) validate() error {
	var errs []error
	if c.DatabaseURL == "" {
		errs = append(errs, errors.New("DATABASE_URL is required: postgres://user:password@host:port/database"))
	}
	if len(c.KafkaBrokers) == 0 {
		errs = append(errs, errors.New("KAFKA_BROKERS is required: host:port, …"))
	}
	for _, b := range c.KafkaBrokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			errs = append(errs, fmt.Errorf("KAFKA_BROKERS: %q is not host:port", b))
		}
	}
	if c.DatabaseConnections < 4 {
		errs = append(errs, fmt.Errorf("DATABASE_CONNECTIONS: %d is not enough, 4 are needed", c.DatabaseConnections))
	}
	if c.InboxKeep < inboxKeptForLeast {
		errs = append(errs, fmt.Errorf("INBOX_KEEP: %s is too short, %s is the least", c.InboxKeep, inboxKeptForLeast))
	}
	if c.JobWorkers < 1 || c.JobWorkers > 10_000 {
		errs = append(errs, fmt.Errorf("JOB_WORKERS: %d is not between 1 and 10000", c.JobWorkers))
	}
	for _, cooldowns := range []struct {
		name   string
		pauses failure.Cooldowns
	}{{"COOLDOWNS_TRANSIENT", c.TransientCooldowns}, {"COOLDOWNS_BUG", c.BugCooldowns}, {"COOLDOWNS_JOB", c.JobCooldowns}} {
		if err := cooldowns.pauses.Check(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", cooldowns.name, err))
		}
	}
	if c.ParkingPlaces < 1 || c.ParkingPlaces > 1_000_000 {
		errs = append(errs, fmt.Errorf("PARKING_PLACES: %d is not between 1 and 1000000", c.ParkingPlaces))
	}
	if u, err := url.Parse(c.TraceEndpoint); c.TraceEndpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %q is not the URL of an endpoint", c.TraceEndpoint))
	}
	return errors.Join(errs...)
}
