package messaging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"waybill.dev/contracts"
	"waybill.dev/platform/clock"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/failure"
	"waybill.dev/platform/internal/pace"
	"waybill.dev/platform/tracecontext"
)

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
	// What becomes of an error is its class's matter: a transient one is waited out, however long it takes; a bug, a
	// panic too, is tried again a few times, and a permanent one never, and then the message is parked. ErrHeld parks it
	// behind others, which are handled first in a redrive: see IsReplayed.
	Handle func(context.Context, contracts.Message) error
	// Retry says how failures are tried again; without one, as DefaultRetry does.
	Retry failure.Retry
	// Retake handles again, in a redrive, what was parked and did not come from Kafka, by its Parking.Topic.
	Retake map[string]func(context.Context, Whole) error
	// Pool is where messages are parked.
	Pool   *pgxpool.Pool
	Logger *slog.Logger
	// Metrics takes events_processed_total, event_processing_duration_seconds, parked_messages, consumer_paused,
	// consumer_stuck_messages and parked_redriven_total; nil for nobody.
	Metrics prometheus.Registerer
	// Tracer records a span for each message; nil for none.
	Tracer trace.Tracer

	// ParkingPlaces is how many messages from Kafka may be parked, those that wait for others among them; 0 is 1,000.
	// While as many are, nothing more is taken from Kafka. Those that are being handled at that moment may come on top.
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
	paused    prometheus.Gauge
	redriven  prometheus.Counter
	// stuckCount is of what stuck holds.
	stuckCount prometheus.Gauge

	present  atomic.Bool
	stuck    stuck
	room     room
	counting sync.Mutex
}

// stopTime is how long the consumer waits for handlers that are under way when it is to stop.
const stopTime = 5 * time.Second

// DefaultRetry gives a bug five tries in about two seconds.
func DefaultRetry() failure.Retry {
	return failure.Retry{
		Transient: failure.Cooldowns{100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second},
		Bug:       failure.Cooldowns{100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second},
	}
}

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
	if len(c.Retry.Transient) == 0 {
		c.Retry = DefaultRetry()
	}
	consumer := &Consumer{ConsumerConfig: c, topics: withPrefix(c.TopicPrefix, c.Topics), known: map[string]bool{},
		stuck: stuck{all: map[*message.Message]time.Time{}}}
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
		Help: "Messages by what became of them (processed, duplicate, parked, held behind parked ones), and tries that failed (failed).",
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
		Help: "Parked messages that nothing has become of yet, counted up to the number of places.",
	}))
	if err != nil {
		return err
	}
	c.paused, err = register(c.Metrics, prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "consumer_paused",
		Help: "1 while nothing is taken from Kafka because the parking place is full, 0 otherwise.",
	}))
	if err != nil {
		return err
	}
	c.stuckCount, err = register(c.Metrics, prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "consumer_stuck_messages",
		Help: "Messages that have been tried for a minute and longer, and hold up their partitions.",
	}))
	if err != nil {
		return err
	}
	c.redriven, err = register(c.Metrics, prometheus.NewCounter(prometheus.CounterOpts{
		Name: "parked_redriven_total",
		Help: "Parked messages that were handled in the end.",
	}))
	return err
}

// route is the way of a message through Watermill's router: taken where there is room, observed, settled.
func (c *Consumer) route(from message.Subscriber) (*message.Router, error) {
	logger := watermill.NewSlogLoggerWithLevelMapping(c.Logger, map[slog.Level]slog.Level{
		slog.LevelInfo:  slog.LevelDebug,
		slog.LevelError: slog.LevelWarn,
	})
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: stopTime}, logger)
	if err != nil {
		return nil, fmt.Errorf("consumer: %w", err)
	}
	router.AddMiddleware(c.takeWithRoom, c.observe)
	for _, t := range c.topics {
		router.AddConsumerHandler(t, t, from, c.settle)
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
	c.count(ctx) // before the first message, where PostgreSQL is there
	beside.Go(func() { c.keepCount(ctx) })
	beside.Go(func() { pace.Every(ctx, replayEvery, func() { c.lookAfterParked(ctx) }) })
	failed := make(chan error, 1)
	beside.Go(func() { failed <- subscriber.run(ctx) })
	return errors.Join(router.Run(ctx), <-failed)
}

// Degraded says what is amiss, for people: that the group is out of reach, that messages do not get through, or that
// the parking place is full.
func (c *Consumer) Degraded() []string {
	var amiss []string
	if !c.present.Load() {
		amiss = append(amiss, "kafka: events cannot be heard")
	}
	amiss = append(amiss, c.degradedByStuck()...)
	switch full, crowded := c.room.state(); {
	case full:
		amiss = append(amiss, fmt.Sprintf("parking place: it is full with %d messages; nothing more is heard until some are redriven or discarded", c.ParkingPlaces))
	case crowded:
		amiss = append(amiss, fmt.Sprintf("parking place: %d or more messages are parked", c.ParkingPlaces))
	}
	return amiss
}

// try handles a message once.
func (c *Consumer) try(ctx context.Context, metadata map[string]string, payload []byte) (err error) {
	defer failure.Recovered(&err)
	decoded, err := contracts.Decode(metadata, payload)
	if err != nil {
		return failure.As(failure.Permanent, err)
	}
	if parent := tracecontext.Parent(ctx); parent != "" {
		decoded.TraceParent = parent
	}
	return c.Handle(ctx, decoded)
}

// settle sees a message through: it is handled or, where nothing helps, parked.
func (c *Consumer) settle(m *message.Message) error {
	ctx, since := m.Context(), clock.Monotonic()
	defer c.unstick(m)
	tries, reason := c.Retry.Do(ctx, func() error {
		err := c.try(ctx, m.Metadata, m.Payload)
		if err != nil && !errors.Is(err, ErrDuplicate) && !errors.Is(err, ErrHeld) && ctx.Err() == nil {
			c.processed.WithLabelValues(c.eventType(m), "failed", errorType(err)).Inc()
			c.tellStuck(ctx, m, since, err)
		}
		return err
	})
	switch {
	case reason == nil || errors.Is(reason, ErrDuplicate):
		return reason
	case ctx.Err() != nil:
		return context.Cause(ctx) // the partition is taken away: what becomes of the message is seen elsewhere
	}
	p := parkingOf(m, reason, tries)
	pause := pace.Backoff{First: 100 * time.Millisecond, Last: 5 * time.Second}
	for {
		err := Park(ctx, c.Pool, p)
		if err == nil {
			break
		}
		c.Logger.WarnContext(ctx, "a message cannot be parked, and waits", "message_id", text(m.UUID), "error", err)
		c.tellStuck(ctx, m, since, err)
		if !pause.Wait(ctx) {
			return context.Cause(ctx)
		}
	}
	c.count(ctx)
	c.tellParked(ctx, p, reason)
	return &parkedError{reason}
}

func (c *Consumer) tellParked(ctx context.Context, p Parking, reason error) {
	level, what := slog.LevelError, "a message has been parked"
	if p.waiting {
		level, what = slog.LevelWarn, "a message waits behind parked ones"
	}
	c.Logger.Log(ctx, level, what, "tenant", text(p.Tenant), "order", text(p.Subject),
		"correlation_id", text(last(p.Headers[contracts.HeaderCorrelationID])), "message_id", text(p.MessageID),
		"topic", p.Topic, "partition", p.Place.Partition, "offset", p.Place.Offset, "parked", p.id(),
		"class", p.Class, "error", reason, "stack", p.Stack)
}

// parkedError tells that the message has been parked, and why.
type parkedError struct{ reason error }

func (e *parkedError) Error() string { return "parked: " + e.reason.Error() }

// takeWithRoom holds messages up while there is no room to park them.
func (c *Consumer) takeWithRoom(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		if !c.room.wait(m.Context()) {
			return nil, context.Cause(m.Context())
		}
		return next(m)
	}
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
		case errors.As(err, &parked) && errors.Is(parked.reason, ErrHeld):
			status = "held"
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
	switch {
	case failure.Stack(err) != "":
		return "panic"
	case errors.Is(err, eventlog.ErrUndecided):
		return "undecided"
	case errors.As(err, &refusal):
		return "refusal-" + string(refusal.Code)
	}
	return string(failure.Of(err))
}

// parkingOf is the message, whole, as it came.
func parkingOf(m *message.Message, reason error, tries int) Parking {
	record := recordOf(m)
	headers := map[string][][]byte{}
	for _, h := range record.Headers {
		headers[h.Key] = append(headers[h.Key], h.Value)
	}
	p := Parking{
		Topic: record.Topic, Place: &Place{Partition: record.Partition, Offset: record.Offset},
		Key: record.Key, Headers: headers, Value: record.Value,
		Tenant: m.Metadata.Get(contracts.HeaderTenant), Subject: m.Metadata.Get(contracts.HeaderSubject),
		MessageID: m.Metadata.Get(contracts.HeaderID), EventType: m.Metadata.Get(contracts.HeaderType),
		Reason: reason.Error(), Class: failure.Of(reason), Tries: tries, Stack: failure.Stack(reason),
		origin: FromKafka, waiting: errors.Is(reason, ErrHeld),
	}
	if p.waiting {
		p.Tries = 0 // it was looked at, and not tried
	}
	return p
}
