package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
)

// Options say how a pool is opened.
type Options struct {
	// Service names the schema.
	Service string
	// MaxConns bounds the pool; 0 is 10.
	MaxConns int32
	// TracerProvider records a span for each statement that is sent within a recorded span; nil for none.
	TracerProvider trace.TracerProvider
}

// sessionSettings are those of every session of a service. An open transaction holds up the publication of
// every outbox on the server, so nothing may idle or wait for long.
func sessionSettings(service string) map[string]string {
	return map[string]string{
		"search_path":                         service,
		"idle_in_transaction_session_timeout": "5s",
		"lock_timeout":                        "5s",
		"statement_timeout":                   "15s",
		// The order of locking and the log's reads are made for this isolation, whatever the database's default is.
		"default_transaction_isolation": "read committed",
		"TimeZone":                      "UTC", // as PostgreSQL itself spells it, so that it is found again
		// The same few statements over and over, most of them over arrays: a plan for each array would be the same.
		"plan_cache_mode": "force_generic_plan",
	}
}

// Open makes a pool of connections under the service's role. It does not connect: a server that is away is
// noticed by the first who uses the pool, and the pool works once the server is back. One that falls silent is given up
// after 20 seconds, by whoever has not said that they would wait for less. The error is one of the URL.
func Open(ctx context.Context, serviceURL string, o Options) (*pgxpool.Pool, error) {
	return open(ctx, serviceURL, o, longestSilence)
}

func open(ctx context.Context, serviceURL string, o Options, silence time.Duration) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(serviceURL)
	if err != nil {
		return nil, withoutURL(err)
	}
	for name, value := range sessionSettings(o.Service) {
		config.ConnConfig.RuntimeParams[name] = value
	}
	config.ConnConfig.RuntimeParams["application_name"] = "waybill " + o.Service
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	config.ConnConfig.DialFunc = dialAttentive(config.ConnConfig.DialFunc, silence)
	config.MaxConns = 10
	if o.MaxConns > 0 {
		config.MaxConns = o.MaxConns
	}
	if o.TracerProvider != nil {
		// The statement's text is left out: it is the same few over and over, and long.
		config.ConnConfig.Tracer = otelpgx.NewTracer(
			otelpgx.WithTracerProvider(o.TracerProvider),
			otelpgx.WithMeterProvider(metricnoop.NewMeterProvider()),
			otelpgx.WithDisableAcquireTracer(),
			otelpgx.WithDisableConnectionDetailsInAttributes(),
			otelpgx.WithDisableSQLStatementInAttributes(),
		)
	}
	return pgxpool.NewWithConfig(ctx, config)
}

// withoutURL keeps the URL, and the password in it, out of an error's text.
func withoutURL(err error) error {
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) {
		return errors.New("the URL cannot be read: it has the form postgres://user:password@host:port/database")
	}
	return err
}
