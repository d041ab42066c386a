package messaging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill/message"

	"waybill.dev/contracts"
)

// subscriber is a Watermill subscriber over one consumer group that hears all topics of a service.
//
// Watermill's own makes a client and a group member for each topic. Each of them joins under the service's one group
// name, so that a service of a dozen topics starts with a dozen rebalances, and each has its own connections,
// heartbeats and fetches; docs/adr tells what was measured. What it hands out, and when, is the same: one message
// a partition at a time, the next after the acknowledgement.
type subscriber struct {
	brokers []string
	group   string
	topics  []string // with their prefix
	logger  *slog.Logger

	outputs map[string]chan *message.Message
	closing chan struct{}
	close   func()
	// joined says whether the group has this member now.
	joined atomic.Bool
	// lastTold is the last trouble that was logged; it is told again when it changes.
	lastTold string
}

func newSubscriber(brokers []string, group string, topics []string, logger *slog.Logger) *subscriber {
	s := &subscriber{
		brokers: brokers, group: group, topics: topics, logger: logger,
		outputs: map[string]chan *message.Message{}, closing: make(chan struct{}),
	}
	s.close = sync.OnceFunc(func() { close(s.closing) })
	for _, t := range topics {
		s.outputs[t] = make(chan *message.Message)
	}
	return s
}

func consumerConfig() *sarama.Config {
	c := kafkaConfig("waybill-consumer")
	c.Consumer.Return.Errors = true
	c.Consumer.Offsets.Initial = sarama.OffsetOldest // a new group has not missed what was said before it
	c.Consumer.Offsets.AutoCommit.Interval = 500 * time.Millisecond
	// A member that is killed is missed after the session's time; 6 s is the least that brokers allow by default.
	c.Consumer.Group.Session.Timeout = 6 * time.Second
	c.Consumer.Group.Heartbeat.Interval = 2 * time.Second
	c.Consumer.Group.Rebalance.Timeout = 15 * time.Second
	// An order has the same partition number in every topic. The range strategy gives a replica the same numbers
	// of every topic, so that what is said of an order is heard by one replica, nearly always.
	c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange()}
	// A fetch waits on the broker until there is anything. Heartbeats and commits wait behind it on the same
	// connection, so it must not wait long.
	c.Consumer.MaxWaitTime = 500 * time.Millisecond
	c.Consumer.Fetch.Min = 1
	// With some hundred partitions these two make out what a backlog may hold in memory.
	c.Consumer.Fetch.Default = 128 << 10
	c.ChannelBufferSize = 64
	// After this a partition whose handler is slow is taken out of the fetch, so that the others go on.
	c.Consumer.MaxProcessingTime = 50 * time.Millisecond
	c.Consumer.Retry.Backoff = 200 * time.Millisecond
	return c
}

// Subscribe gives the messages of a topic. They flow once run does.
func (s *subscriber) Subscribe(_ context.Context, topic string) (<-chan *message.Message, error) {
	output, ok := s.outputs[topic]
	if !ok {
		return nil, fmt.Errorf("topic %s is not among those of the subscriber", topic)
	}
	return output, nil
}

// Close makes run end.
func (s *subscriber) Close() error {
	s.close()
	return nil
}

// run is a member of the group until it is closed. Kafka may come and go.
func (s *subscriber) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-s.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	defer func() {
		for _, output := range s.outputs {
			close(output)
		}
	}()
	pause := backoff{first: retryFirst, last: time.Second}
	for ctx.Err() == nil {
		if err := s.beMember(ctx, &pause); err != nil && ctx.Err() == nil {
			s.away(err)
		}
		pause.wait(ctx)
	}
}

// beMember joins the group, again after each rebalance, with one client: the broker knows the member by it, and
// need not wait for its former self to be missed.
func (s *subscriber) beMember(ctx context.Context, pause *backoff) error {
	group, err := sarama.NewConsumerGroup(s.brokers, s.group, consumerConfig())
	if err != nil {
		return err
	}
	var errs sync.WaitGroup
	errs.Go(func() {
		for err := range group.Errors() {
			s.logger.Debug("consumer group", "error", err)
		}
	})
	defer errs.Wait()
	defer func() { _ = group.Close() }()
	defer s.joined.Store(false)
	for ctx.Err() == nil {
		err := group.Consume(ctx, s.topics, groupHandler{s, pause})
		switch {
		case errors.Is(err, sarama.ErrClosedConsumerGroup), errors.Is(err, sarama.ErrClosedClient):
			return err
		case err != nil && ctx.Err() == nil:
			s.away(err)
			pause.wait(ctx)
		}
	}
	return nil
}

func (s *subscriber) away(err error) {
	s.joined.Store(false)
	if told := err.Error(); told != s.lastTold {
		s.lastTold = told
		s.logger.Warn("the consumer is out of its group, and tries to join", "error", err)
	}
}

// groupHandler is what sarama calls in a session of the group.
type groupHandler struct {
	*subscriber
	pause *backoff
}

func (h groupHandler) Setup(session sarama.ConsumerGroupSession) error {
	h.pause.reset()
	if !h.joined.Swap(true) {
		partitions := 0
		for _, p := range session.Claims() {
			partitions += len(p)
		}
		h.logger.Info("the consumer has joined its group", "topics", len(h.topics), "partitions", partitions)
	}
	return nil
}

func (h groupHandler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim hands out the records of one partition, one at a time.
func (h groupHandler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	output := h.outputs[claim.Topic()]
	for record := range claim.Messages() {
		if !h.handOut(session.Context(), output, record) {
			return nil
		}
		session.MarkMessage(record, "")
	}
	return nil
}

// nackPause is how long a message rests that was given back. The consumer gives back none but at the end of a
// session.
const nackPause = 100 * time.Millisecond

// handOut gives the record to a handler until it is acknowledged, and says whether it was.
func (h groupHandler) handOut(ctx context.Context, output chan<- *message.Message, record *sarama.ConsumerMessage) bool {
	for ctx.Err() == nil {
		m := toMessage(ctx, record)
		select {
		case output <- m:
		case <-ctx.Done():
			return false
		}
		select {
		case <-m.Acked():
			return true
		case <-m.Nacked():
			sleep(ctx, nackPause)
		case <-ctx.Done():
			return false
		}
	}
	return false
}

// recordKey is where a message's context holds the record that it came as.
type recordKey struct{}

// toMessage never fails: what a record holds is read, and parked where it cannot be read, by the handler.
func toMessage(ctx context.Context, record *sarama.ConsumerMessage) *message.Message {
	m := message.NewMessage("", record.Value)
	for _, h := range record.Headers {
		m.Metadata.Set(string(h.Key), string(h.Value))
	}
	m.UUID = m.Metadata.Get(contracts.HeaderID)
	m.SetContext(context.WithValue(ctx, recordKey{}, record))
	return m
}

// recordOf is the record that a message of this subscriber came as.
func recordOf(m *message.Message) *sarama.ConsumerMessage {
	record, _ := m.Context().Value(recordKey{}).(*sarama.ConsumerMessage)
	return record
}

// withPrefix are the topics' names on Kafka, each once.
func withPrefix(prefix string, topics []string) []string {
	var names []string
	for _, t := range topics {
		names = append(names, prefix+t)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
