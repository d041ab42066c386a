package server

import (
	"context"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/messaging"
)

// Service is a service's table of contents.
type Service struct {
	// Name is the name of the service, of its schema and of its consumer group: "inventory".
	Name string
	// Doc says in a sentence what the service is for. It heads the API's documentation.
	Doc string
	// Port is listened on where the configuration names no address.
	Port int
	// Categories are the service's streams, in the order in which they are locked.
	Categories []es.Erased
	// Hears are zero values of the events that the service consumes; none means that it consumes nothing.
	Hears []contracts.Event
	// React turns a message into a command. It is pure. What does not concern the service is
	// es.Nothing.
	React func(m contracts.Message, at time.Time) es.Command
	// Retake takes again, when an operator has it redriven, what the service has parked that did not come from Kafka,
	// by its Parking.Topic. Its error is why it stays parked.
	Retake map[string]func(ctx context.Context, app *App, parked messaging.Whole) error
	// Publish translates a fact into integration events. It is pure.
	Publish func(es.Recorded) []contracts.Event
	// Project queues the statements of inline projections; nil for none.
	Project func(*pgx.Batch, []eventlog.Change)
	// Routes registers the service's HTTP operations; nil for none.
	Routes func(api huma.API, app *App)
	// Workers registers who does the service's jobs, by Work; nil for none.
	Workers func(*Workers)
	// Background functions run until the context ends. One that returns before is started again.
	Background []func(ctx context.Context, app *App) error
	// Migrations are the service's own, for goose; nil for none.
	Migrations fs.FS
}

// App is what a service's handlers, workers and background functions have at hand.
type App struct {
	// Service is the service's name.
	Service string
	Log     *eventlog.Log
	Pool    *pgxpool.Pool
	// Consumer is nil where the service hears nothing.
	Consumer *messaging.Consumer
	Tenants  *Tenants
	// Logger writes what the context knows (correlation, tenant, order, trace) with each line.
	Logger  *slog.Logger
	Metrics prometheus.Registerer
	Tracer  trace.Tracer
	Config  Config

	// admit says why no command may be run yet.
	admit func(context.Context) error
	jobs  *jobs // nil where the service has none
	// recording is held for reading while an outcome is recorded, so that the log is stopped after it.
	recording sync.RWMutex
}

// Handle runs the request on the event log, and wakes the workers of the jobs that follow from it. It is what
// Execute and Record stand on; its errors are those of the log.
func (app *App) Handle(ctx context.Context, r eventlog.Request) (eventlog.Result, error) {
	if err := app.admit(ctx); err != nil {
		return eventlog.Result{}, err
	}
	result, err := app.Log.Handle(ctx, r)
	app.jobs.wakeLate()
	return result, err
}
