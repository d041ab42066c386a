package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/failure"
	"waybill.dev/platform/internal/pace"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/postgres"
)

// Options are for those who embed a service: a test, or the whole suite in one process.
type Options struct {
	// Logger is where log lines go; nil writes JSON lines to standard error.
	Logger *slog.Logger
	// Spans are exported to it, beside the endpoint that the configuration may name. It is not shut down.
	Spans sdktrace.SpanExporter
}

// Server is a service that can be run.
type Server struct {
	service  Service
	app      *App
	config   Config
	registry *prometheus.Registry
	spans    *sdktrace.TracerProvider
	relay    *messaging.Relay
	listener net.Listener
	http     *http.Server
	// migrated is whether the schema has been seen to be at the version that is wanted, and fit for its cluster.
	migrated atomic.Bool
	// connected is closed when the topics have been seen on Kafka.
	connected chan struct{}
	// offsetsForgotten says that Kafka keeps the group's offsets for too short a time; nil or empty where it does not.
	offsetsForgotten atomic.Pointer[string]
	clock            *clockOffset
}

const (
	// drain is how long requests and messages under way are waited for when the server stops, softStop how long
	// jobs are before their contexts end.
	drain    = 5 * time.Second
	softStop = 4 * time.Second
)

// New makes a server of the service and takes its address. Nothing else need be there yet: PostgreSQL and Kafka
// are waited for while it runs.
func New(ctx context.Context, service Service, config Config, options Options) (*Server, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	tenants, err := LoadTenants(config.TenantsFile)
	if err != nil {
		return nil, err
	}
	logger := options.Logger
	if logger == nil {
		logger = NewLogger(os.Stderr, config.LogLevel)
	}
	s := &Server{service: service, config: config, registry: prometheus.NewRegistry(), connected: make(chan struct{}), clock: newClockOffset()}
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), s.clock.gauge)
	if s.spans, err = newTracerProvider(ctx, service.Name, config.TraceEndpoint, options.Spans); err != nil {
		return nil, err
	}
	s.app = &App{
		Service: service.Name, Tenants: tenants, Logger: logger.With("service", service.Name), Metrics: s.registry,
		Tracer: s.spans.Tracer("waybill.dev/" + service.Name), Config: config, admit: s.admit,
	}
	database := postgres.Options{Service: service.Name, MaxConns: config.DatabaseConnections}
	if recording(config, options) {
		database.TracerProvider = s.spans
	}
	if s.app.Pool, err = postgres.Open(ctx, config.DatabaseURL, database); err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	if err := s.wire(logger); err != nil {
		s.app.Pool.Close()
		return nil, err
	}
	address := cmp.Or(config.Listen, net.JoinHostPort("127.0.0.1", strconv.Itoa(service.Port)))
	if s.listener, err = net.Listen("tcp", address); err != nil {
		s.app.Pool.Close()
		return nil, err
	}
	return s, nil
}

// wire makes the parts of each other. None of them does anything yet.
func (s *Server) wire(logger *slog.Logger) (err error) {
	app, service := s.app, s.service
	if s.relay, err = messaging.NewRelay(messaging.RelayConfig{
		Pool: app.Pool, Service: service.Name, Brokers: s.config.KafkaBrokers, TopicPrefix: s.config.PublishPrefix,
		Logger: logger, Metrics: s.registry, Tracer: app.Tracer, After: s.connected,
	}); err != nil {
		return err
	}
	if len(service.Hears) > 0 {
		if service.React == nil {
			return fmt.Errorf("service %s hears events and has no React", service.Name)
		}
		if app.Consumer, err = messaging.NewConsumer(messaging.ConsumerConfig{
			Brokers: s.config.KafkaBrokers, Group: s.config.HearPrefix + service.Name,
			Topics: topicNames(heardTopics(service)), TopicPrefix: s.config.HearPrefix,
			Handle: s.hear, Retake: s.retake(), Pool: app.Pool, Logger: logger, Metrics: s.registry, Tracer: app.Tracer,
			Retry:         failure.Retry{Transient: s.config.TransientCooldowns, Bug: s.config.BugCooldowns},
			ParkingPlaces: s.config.ParkingPlaces,
		}); err != nil {
			return err
		}
	}
	log := eventlog.Config{
		Service: service.Name, Pool: app.Pool, Categories: service.Categories,
		Publish: service.Publish, Project: service.Project, Committed: s.committed,
		Logger: app.Logger, Tracer: app.Tracer, Metrics: s.registry,
	}
	if service.Workers != nil {
		if app.jobs, err = newJobs(app, service.Workers); err != nil {
			return err
		}
		log.InsertJobs = app.jobs.insert
		s.registry.MustRegister(newJobCounts(app.Pool), app.jobs.metrics.attempts, app.jobs.metrics.duration, app.jobs.partners)
	}
	if app.Log, err = eventlog.New(log); err != nil {
		return err
	}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(app.Logger.Handler(), slog.LevelDebug),
	}
	return nil
}

// committed wakes who waits for what was just committed.
func (s *Server) committed() {
	s.relay.Wake()
	s.app.jobs.wakeLate()
}

// Addr is the address that the server listens on, "127.0.0.1:8083".
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is the address for clients on the same machine, "http://127.0.0.1:8083".
func (s *Server) URL() string {
	host, port, _ := net.SplitHostPort(s.Addr())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// App is what the service's handlers have at hand.
func (s *Server) App() *App { return s.app }

// Run serves until the context ends, and then stops gracefully: what is under way is brought to its end. That takes
// about ten seconds at most, and up to half a minute more where PostgreSQL or Kafka do not answer: a commit that has
// begun has its 15 seconds, and the relay's last messages have 10. The error is one that waiting does not mend, such as
// a topic with another number of partitions than declared. It runs once.
func (s *Server) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 1)
	fail := func(err error) {
		select {
		case failed <- err:
		default: // another was first
		}
		stop()
	}
	// Each part needs those after it: they stop in this order.
	var front, log, relay stage
	log.start(context.WithoutCancel(ctx), s.app.Log.Run)
	front.start(ctx, func(ctx context.Context) { s.serveHTTP(ctx, fail) })
	started := make(chan struct{})
	front.start(ctx, func(ctx context.Context) {
		defer close(started)
		if err := s.prepare(ctx); err != nil || ctx.Err() != nil {
			if err != nil {
				fail(err)
			}
			return
		}
		if s.app.jobs != nil {
			front.start(ctx, s.keep("jobs", s.app.jobs.run))
		}
		front.start(ctx, s.keep("housekeeping", s.housekeep))
		for _, background := range s.service.Background {
			front.start(ctx, s.keep("background", func(ctx context.Context) error { return background(ctx, s.app) }))
		}
		// It measures the outbox also while Kafka is away, and publishes once the topics are seen to be right.
		relay.start(context.WithoutCancel(ctx), s.keep("relay", s.relay.Run))
		if err := s.connect(ctx); err != nil {
			fail(err)
		}
		if ctx.Err() != nil {
			return
		}
		if s.app.Consumer != nil {
			front.start(ctx, s.keep("consumer", s.app.Consumer.Run))
			front.start(ctx, s.keep("inbox", s.tendInbox))
		}
	})
	s.app.Logger.InfoContext(ctx, "started", "listen", s.Addr())

	<-ctx.Done()
	<-started
	front.stop()
	s.app.recording.Lock() // a job that outlived its time may still be recording; none does from here on
	log.stop()
	s.app.recording.Unlock()
	relay.stop()
	s.app.Pool.Close()
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = s.spans.Shutdown(flush) // spans that nobody takes are no reason to fail
	s.app.Logger.Info("stopped")
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// prepare waits for the schema, and migrates it where it may, until the context ends. The error is one that waiting does
// not mend.
func (s *Server) prepare(ctx context.Context) error {
	for pause := patience(); ctx.Err() == nil; {
		err := s.checkSchema(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, postgres.ErrForeign):
			return fmt.Errorf("the database of %s cannot be used: %w", s.service.Name, err)
		}
		s.app.Logger.WarnContext(ctx, "waiting for the database", "error", err)
		pause.Wait(ctx)
	}
	return nil
}

func (s *Server) checkSchema(ctx context.Context) error {
	if s.config.MigrationsURL != "" {
		// What has to be adopted first is left as it is. Whatever else is amiss may be for the migrations to mend.
		if err := postgres.Native(ctx, s.app.Pool); errors.Is(err, postgres.ErrForeign) {
			return err
		}
		if err := postgres.Migrate(ctx, s.config.MigrationsURL, s.service.Name, s.service.Migrations); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return s.reachDatabase(ctx)
}

func (s *Server) serveHTTP(ctx context.Context, fail func(error)) {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		if s.http.Shutdown(stop) != nil {
			_ = s.http.Close() // those that are still there have had their time
		}
	}()
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		fail(fmt.Errorf("the HTTP server has failed: %w", err)) // nobody would notice a service that cannot be asked
	}
	<-stopped
}

// patience is how long is waited before what failed is tried again.
func patience() *pace.Backoff {
	return &pace.Backoff{First: 100 * time.Millisecond, Last: 5 * time.Second}
}

// keep runs it until the context ends, again and again where it ends before.
func (s *Server) keep(name string, run func(context.Context) error) func(context.Context) {
	return func(ctx context.Context) {
		away := false // said once, and not again and again
		for pause := patience(); ctx.Err() == nil; {
			began := clock.Monotonic()
			err := withoutPanic(ctx, run)
			if ctx.Err() != nil {
				return
			}
			if time.Since(began) > time.Minute {
				pause, away = patience(), false
			}
			switch {
			case failure.Of(err) != failure.Transient:
				away = false
				s.app.Logger.ErrorContext(ctx, name+" has ended and is started again", "error", err, "stack", failure.Stack(err))
			case !away:
				away = true
				s.app.Logger.WarnContext(ctx, name+" waits for what is away", "error", err)
			}
			pause.Wait(ctx)
		}
	}
}
