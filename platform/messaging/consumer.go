package messaging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"waybill.dev/contracts"
	"waybill.dev/platform/clock"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/internal/pace"
	"waybill.dev/platform/tracecontext"
)

// ErrDuplicate is what a handler answers for a message that had been handled before. It counts as handled; only
// the metrics tell it apart.
var ErrDuplicate = errors.New("the message had been handled")

// ConsumerConfig says what a service hears.
type ConsumerConfig struct {
	Brokers []string
	// Group is the consumer group: the name of the service.
	Group string
	// Topics are the names without the prefix.
	Topics []string
	// TopicPrefix stands before the name of every topic; "" in production.
	TopicPrefix string
	// Handle is called for one message of a partition at a time, and for all partitions of all topics at once.
	// Its context ends when the partition is taken away. The message's TraceParent is the span of this handling.
	//
	// An error that is eventlog.ErrUnavailable is waited out, however long it takes. Any other, a panic too, is
	// tried five times in about two seconds, and then the message is parked.
	Handle func(context.Context, contracts.Message) error
	// Pool is where messages are parked.
	Pool   *pgxpool.Pool
	Logger *slog.Logger
	// Metrics takes events_processed_total, event_processing_duration_seconds and parked_messages; nil for nobody.
	Metrics prometheus.Registerer
	// Tracer records a span for each message; nil for none.
	Tracer trace.Tracer

	// ParkingPlaces is how many parked messages make the service degraded; 0 is 1,000. Beyond it messages are
	// parked all the same.
	ParkingPlaces int
}

// Consumer hears topics for a service. Any number of replicas may run in its group.
type Consumer struct {
	ConsumerConfig
	topics []string        // with their prefix
	known  map[string]bool // event types, to bound what metrics are labelled with

	processed *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	parked    prometheus.Gauge

	present     atomic.Bool
	parkingFull atomic.Bool
}

const (
	// handleTries is how often a message is tried that fails for another reason than that PostgreSQL is away.
	handleTries = 5
	// countEvery is how often the parked messages are counted.
	countEvery = 10 * time.Second
	// stopTime is how long the consumer waits for handlers that are under way when it is to stop.
	stopTime = 5 * time.Second
)

// NewConsumer prepares a consumer; Run makes it work.
func NewConsumer(c ConsumerConfig) (*Consumer, error) {
	if len(c.Brokers) == 0 || c.Group == "" || len(c.Topics) == 0 || c.Handle == nil || c.Pool == nil {
		return nil, errors.New("consumer: Brokers, Group, Topics, Handle and Pool are needed")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("component", "consumer", "service", c.Group)
	if c.Tracer == nil {
		c.Tracer = noop.NewTracerProvider().Tracer("")
	}
	if c.ParkingPlaces <= 0 {
		c.ParkingPlaces = 1000
	}
	consumer := &Consumer{ConsumerConfig: c, topics: withPrefix(c.TopicPrefix, c.Topics), known: map[string]bool{}}
	for _, e := range contracts.Catalogue() {
		consumer.known[string(e.Type())] = true
	}
	if err := consumer.registerMetrics(); err != nil {
		return nil, fmt.Errorf("consumer: %w", err)
	}
	return consumer, nil
}

func (c *Consumer) registerMetrics() (err error) {
	c.processed, err = register(c.Metrics, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "events_processed_total",
		Help: "Messages by what became of them (processed, duplicate, parked), and tries that failed (failed).",
	}, []string{"event_type", "status", "error_type"}))
	if err != nil {
		return err
	}
	c.duration, err = register(c.Metrics, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "event_processing_duration_seconds",
		Help:    "How long a message was handled, tries and pauses included.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"event_type"}))
	if err != nil {
		return err
	}
	c.parked, err = register(c.Metrics, prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "parked_messages",
		Help: "Parked messages, counted up to the number that makes the service degraded.",
	}))
	return err
}

// route is the way of a message through Watermill's router: observed, parked where nothing helps, tried again,
// tried again without end while PostgreSQL is away, kept from panicking, handled.
func (c *Consumer) route(from message.Subscriber) (*message.Router, error) {
	logger := watermill.NewSlogLoggerWithLevelMapping(c.Logger, map[slog.Level]slog.Level{
		slog.LevelInfo:  slog.LevelDebug,
		slog.LevelError: slog.LevelWarn,
	})
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: stopTime}, logger)
	if err != nil {
		return nil, fmt.Errorf("consumer: %w", err)
	}
	again := middleware.Retry{
		MaxRetries: handleTries - 1, InitialInterval: 100 * time.Millisecond, MaxInterval: time.Second, Multiplier: 1.5,
		ShouldRetry:         func(p middleware.RetryParams) bool { return worthAgain(p.Err) },
		ResetContextOnRetry: true,
	}
	forEver := middleware.Retry{
		MaxRetries: -1, InitialInterval: 100 * time.Millisecond, MaxInterval: 5 * time.Second, Multiplier: 1.5,
		ShouldRetry:         func(p middleware.RetryParams) bool { return unavailable(p.Err) },
		ResetContextOnRetry: true,
	}
	router.AddMiddleware(c.observe, c.park, again.Middleware, forEver.Middleware, c.countFailures, middleware.Recoverer)
	for _, t := range c.topics {
		router.AddConsumerHandler(t, t, from, c.handle)
	}
	return router, nil
}

// Run hears until the context ends. PostgreSQL or Kafka may come and go.
func (c *Consumer) Run(ctx context.Context) error {
	subscriber := newSubscriber(c.Brokers, c.Group, c.topics, &c.present, c.Logger)
	router, err := c.route(subscriber)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	beside.Go(func() { pace.Every(ctx, countEvery, func() { c.countParked(ctx) }) })
	failed := make(chan error, 1)
	beside.Go(func() { failed <- subscriber.run(ctx) })
	return errors.Join(router.Run(ctx), <-failed)
}

// Degraded says what is amiss, for people: that the group is out of reach, or that the parking place is full.
func (c *Consumer) Degraded() []string {
	var amiss []string
	if !c.present.Load() {
		amiss = append(amiss, "kafka: events cannot be heard")
	}
	if c.parkingFull.Load() {
		amiss = append(amiss, fmt.Sprintf("parking place: %d or more messages are parked", c.ParkingPlaces))
	}
	return amiss
}

// unreadableError is the error of a message that is none: to try it again makes no sense.
type unreadableError struct{ error }

func (e unreadableError) Unwrap() error { return e.error }

func unreadable(err error) bool { return errors.As(err, new(unreadableError)) }

// worthAgain says whether the same message may come to another end.
func worthAgain(err error) bool {
	return !unavailable(err) && !unreadable(err) && !errors.Is(err, ErrDuplicate) && !errors.Is(err, eventlog.ErrUndecided)
}

func unavailable(err error) bool { return errors.Is(err, eventlog.ErrUnavailable) }

func (c *Consumer) handle(m *message.Message) error {
	decoded, err := contracts.Decode(m.Metadata, m.Payload)
	if err != nil {
		return unreadableError{err}
	}
	if parent := tracecontext.Parent(m.Context()); parent != "" {
		decoded.TraceParent = parent
	}
	return c.Handle(m.Context(), decoded)
}

// observe counts and times what becomes of a message, and records its span: a part of the sender's trace, and
// linked to the sender's span, as the conventions for messaging have it.
func (c *Consumer) observe(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		record := recordOf(m)
		ctx := tracecontext.With(m.Context(), m.Metadata.Get(contracts.HeaderTraceParent))
		options := []trace.SpanStartOption{
			trace.WithSpanKind(trace.SpanKindConsumer),
			trace.WithAttributes(messageAttributes(record.Topic, m.UUID)...),
		}
		if sender := trace.SpanContextFromContext(ctx); sender.IsValid() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: sender}))
		}
		ctx, span := c.Tracer.Start(ctx, "process "+record.Topic, options...)
		defer span.End()
		m.SetContext(ctx)
		began := clock.Monotonic()
		_, err := next(m)
		status, kind := "processed", ""
		var parked *parkedError
		switch {
		case errors.As(err, &parked):
			status, kind = "parked", errorType(parked.reason)
			span.SetStatus(codes.Error, kind)
		case errors.Is(err, ErrDuplicate):
			status = "duplicate"
		case err != nil:
			return nil, err // the partition is taken away: what becomes of the message is seen elsewhere
		}
		c.processed.WithLabelValues(c.eventType(m), status, kind).Inc()
		c.duration.WithLabelValues(c.eventType(m)).Observe(time.Since(began).Seconds())
		return nil, nil
	}
}

// parkedError tells that the message has been parked, and why.
type parkedError struct{ reason error }

func (e *parkedError) Error() string { return "parked: " + e.reason.Error() }

// park keeps what nothing helps, and tries until it is kept.
func (c *Consumer) park(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		ctx := m.Context()
		_, reason := next(m)
		if reason == nil || errors.Is(reason, ErrDuplicate) {
			return nil, reason
		}
		pause := pace.Backoff{First: 100 * time.Millisecond, Last: 5 * time.Second}
		for {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			err := Park(ctx, c.Pool, parkingOf(m, reason))
			if err == nil {
				break
			}
			c.Logger.WarnContext(ctx, "a message cannot be parked, and waits", "message_id", text(m.UUID), "error", err)
			pause.Wait(ctx)
		}
		record := recordOf(m)
		c.Logger.ErrorContext(ctx, "a message has been parked", "tenant", text(m.Metadata.Get(contracts.HeaderTenant)),
			"order", text(m.Metadata.Get(contracts.HeaderSubject)), "correlation_id", text(m.Metadata.Get(contracts.HeaderCorrelationID)),
			"message_id", text(m.UUID), "topic", record.Topic, "partition", record.Partition, "offset", record.Offset,
			"error", describe(reason), "stack", stack(reason))
		return nil, &parkedError{reason}
	}
}

func (c *Consumer) countFailures(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		_, err := next(m)
		if err != nil && !errors.Is(err, ErrDuplicate) && m.Context().Err() == nil {
			c.processed.WithLabelValues(c.eventType(m), "failed", errorType(err)).Inc()
		}
		return nil, err
	}
}

// countParked keeps the gauge of parked messages.
func (c *Consumer) countParked(ctx context.Context) {
	var parked int
	err := c.Pool.QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM parked_messages LIMIT $1) AS parked`, c.ParkingPlaces).Scan(&parked)
	if err != nil {
		return
	}
	c.parked.Set(float64(parked))
	c.parkingFull.Store(parked >= c.ParkingPlaces)
}

// eventType labels metrics. What is not in the catalogue is one label, however much of it there is.
func (c *Consumer) eventType(m *message.Message) string {
	if t := m.Metadata.Get(contracts.HeaderType); c.known[t] {
		return t
	}
	return "unknown"
}

// errorType labels metrics with the sort of an error.
func errorType(err error) string {
	var refusal *es.Refusal
	var panicked middleware.RecoveredPanicError
	switch {
	case unreadable(err):
		return "unreadable"
	case unavailable(err):
		return "unavailable"
	case errors.Is(err, eventlog.ErrUndecided):
		return "undecided"
	case errors.As(err, &refusal):
		return "refusal-" + string(refusal.Code)
	case errors.As(err, &panicked):
		return "panic"
	}
	return "error"
}

// parkingOf is the message, whole, as it came.
func parkingOf(m *message.Message, reason error) Parking {
	record := recordOf(m)
	headers := map[string][][]byte{}
	for _, h := range record.Headers {
		headers[h.Key] = append(headers[h.Key], h.Value)
	}
	return Parking{
		Topic: record.Topic, Place: &Place{Partition: record.Partition, Offset: record.Offset},
		Key: record.Key, Headers: headers, Value: record.Value,
		Tenant: m.Metadata.Get(contracts.HeaderTenant), Subject: m.Metadata.Get(contracts.HeaderSubject),
		MessageID: m.Metadata.Get(contracts.HeaderID), EventType: m.Metadata.Get(contracts.HeaderType),
		Reason: describe(reason),
	}
}

// describe is an error for people. A panic's value may hold anything, so that only the runtime's own is told.
func describe(err error) string {
	var panicked middleware.RecoveredPanicError
	if !errors.As(err, &panicked) {
		return err.Error()
	}
	if own, ok := panicked.V.(runtime.Error); ok {
		return "panic: " + own.Error()
	}
	return fmt.Sprintf("panic with a %T", panicked.V)
}

// stack is where a panic came from, and "" for any other error.
func stack(err error) string {
	var panicked middleware.RecoveredPanicError
	errors.As(err, &panicked)
	return panicked.Stacktrace
}
