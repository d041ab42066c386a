package messaging

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/contracts"
	"waybill.dev/platform/clock"
	"waybill.dev/platform/internal/pace"
)

// subscriber is a Watermill subscriber that hears all topics of a service as one member of its consumer group.
//
// Watermill's own Kafka subscriber makes a client and a group member for each topic, all under the service's one
// group name, so that a service of a dozen topics starts with a dozen rebalances. Over sarama one member for all
// topics is no better: its heartbeats, commits and first offsets wait behind the fetch that is waiting for records
// on the same connection. franz-go keeps these apart, and asks for some hundred quiet partitions with an empty
// request.
//
// What it hands out, and when, is as with Watermill's: one message of a partition at a time, the next after the
// acknowledgement.
type subscriber struct {
	options []kgo.Opt
	topics  []string // with their prefix
	logger  *slog.Logger

	outputs map[string]chan *message.Message
	closing chan struct{}
	close   func()

	// claims are the partitions that this member has. Rebalances and polls exclude each other, so that they need
	// no lock.
	claims map[partition]*claim
	// present says whether this member is in its group and Kafka answers.
	present *atomic.Bool
}

type partition struct {
	topic  string
	number int32
}

const (
	// commitEvery is how often the group's progress is told to Kafka.
	commitEvery = time.Second
	// askEvery is how often Kafka is asked whether it is there, and askTime how long it may take to answer.
	askEvery = 5 * time.Second
	askTime  = 3 * time.Second
	// leaveTime bounds the last commit and the farewell of a member that stops.
	leaveTime = 3 * time.Second
	// fetchRest is how far apart polls are that bring records: the more there is to fetch, the fewer and larger the
	// fetches. A record that comes alone is handed out at once.
	fetchRest = 50 * time.Millisecond
	// fetchWait is how long a fetch waits for records. It does not see partitions that become ready meanwhile, as
	// those of a new topic do, so it is not long.
	fetchWait = time.Second
	// pollRecords bounds what is taken from what has been fetched at a time.
	pollRecords = 1000
)

func newSubscriber(brokers []string, group string, topics []string, present *atomic.Bool, logger *slog.Logger) *subscriber {
	s := &subscriber{
		topics: topics, logger: logger, present: present,
		outputs: map[string]chan *message.Message{}, closing: make(chan struct{}), claims: map[partition]*claim{},
	}
	s.close = sync.OnceFunc(func() { close(s.closing) })
	for _, t := range topics {
		s.outputs[t] = make(chan *message.Message)
	}
	s.options = []kgo.Opt{
		kgo.SeedBrokers(brokers...),
		kgo.ClientID("waybill-consumer"),
		kgo.WithHooks(s),
		kgo.DisableClientMetrics(),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), // a new group has not missed what was said before it
		// An order has the same partition number in every topic. The range strategy gives a replica the same
		// numbers of every topic, so that what is said of an order is heard by one replica, nearly always.
		kgo.Balancers(kgo.RangeBalancer()),
		// A member that is killed is missed after the session's time; 6 s is the least that brokers allow by default.
		kgo.SessionTimeout(6 * time.Second),
		kgo.HeartbeatInterval(2 * time.Second),
		kgo.RebalanceTimeout(15 * time.Second),
		kgo.AutoCommitMarks(),
		kgo.AutoCommitInterval(commitEvery),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(s.assigned),
		kgo.OnPartitionsRevoked(s.revoked),
		kgo.OnPartitionsLost(s.lost),
		kgo.FetchMaxWait(fetchWait),
		// With some hundred partitions these and claimFull make out what a backlog may hold in memory.
		kgo.FetchMaxBytes(4 << 20),
		kgo.FetchMaxPartitionBytes(64 << 10),
		// A topic that is made later is found with the next metadata.
		kgo.MetadataMaxAge(30 * time.Second),
		kgo.MetadataMinAge(250 * time.Millisecond),
	}
	return s
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

// run is a member of the group until the context ends or the subscriber is closed. Kafka may come and go.
func (s *subscriber) run(ctx context.Context) error {
	defer func() {
		for _, output := range s.outputs {
			close(output)
		}
	}()
	client, err := kgo.NewClient(s.options...)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	beside.Go(func() {
		select {
		case <-s.closing:
			cancel()
		case <-ctx.Done():
		}
	})
	beside.Go(func() { pace.Every(ctx, askEvery, func() { s.ask(ctx, client) }) })
	var due time.Time
	for ctx.Err() == nil {
		if wait := time.Until(due); wait > 0 && !pace.Sleep(ctx, wait) {
			break
		}
		fetched := client.PollRecords(ctx, pollRecords)
		if fetched.NumRecords() > 0 {
			due = clock.Monotonic().Add(fetchRest)
		}
		fetched.EachError(func(topic string, partition int32, err error) {
			if ctx.Err() == nil {
				s.logger.Warn("records cannot be fetched", "topic", topic, "partition", partition, "error", err)
			}
		})
		fetched.EachPartition(func(p kgo.FetchTopicPartition) {
			if c := s.claims[partition{p.Topic, p.Partition}]; c != nil {
				c.add(p.Records)
			}
		})
		client.AllowRebalance()
	}
	s.leave(client)
	return nil
}

// leave tells the group, so that others take over at once. Where Kafka is away nobody waits for it.
func (s *subscriber) leave(client *kgo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	if err := client.LeaveGroupContext(ctx); err != nil {
		s.logger.Warn("the consumer has left its group without a word", "error", err)
	}
	client.CloseAllowingRebalance()
	s.present.Store(false)
}

// assigned, revoked and lost are called by the client while no poll is under way.
func (s *subscriber) assigned(_ context.Context, client *kgo.Client, added map[string][]int32) {
	for topic, numbers := range added {
		for _, n := range numbers {
			p := partition{topic, n}
			s.claims[p] = startClaim(client, p, s.outputs[topic])
		}
	}
	s.tell(true)
	s.logger.Info("the consumer has its partitions", "partitions", len(s.claims))
}

func (s *subscriber) revoked(ctx context.Context, client *kgo.Client, removed map[string][]int32) {
	s.drop(removed)
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	if err := client.CommitMarkedOffsets(ctx); err != nil {
		s.logger.Warn("the last progress is not committed: some messages will be heard again", "error", err)
	}
}

func (s *subscriber) lost(_ context.Context, _ *kgo.Client, removed map[string][]int32) {
	s.drop(removed)
}

func (s *subscriber) drop(removed map[string][]int32) {
	var stopped []*claim
	for topic, numbers := range removed {
		for _, n := range numbers {
			p := partition{topic, n}
			if c := s.claims[p]; c != nil {
				c.cancel()
				stopped = append(stopped, c)
				delete(s.claims, p)
			}
		}
	}
	for _, c := range stopped {
		c.wait()
	}
}

// OnGroupManageError is called when the member has lost its group.
func (s *subscriber) OnGroupManageError(err error) {
	s.logger.Debug("the consumer's session has ended", "error", err)
	s.tell(false)
}

// ask finds out whether Kafka is there: a client that waits for records may not notice for long.
func (s *subscriber) ask(ctx context.Context, client *kgo.Client) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if err := client.Ping(ctx); err != nil {
		s.tell(false)
		return
	}
	if _, generation := client.GroupMetadata(); generation >= 0 {
		s.tell(true)
	}
}

func (s *subscriber) tell(present bool) {
	if s.present.Swap(present) && !present {
		s.logger.Warn("the consumer has lost Kafka, and waits for it")
	}
}

// toMessage never fails: what a record holds is read, and parked where it cannot be read, by the handler.
func toMessage(ctx context.Context, record *kgo.Record) *message.Message {
	m := message.NewMessage("", record.Value)
	for _, h := range record.Headers {
		m.Metadata.Set(h.Key, string(h.Value))
	}
	m.UUID = m.Metadata.Get(contracts.HeaderID)
	m.SetContext(context.WithValue(ctx, recordKey{}, record))
	return m
}

// recordKey is where a message's context holds the record that it came as.
type recordKey struct{}

// recordOf is the record that a message of this subscriber came as.
func recordOf(m *message.Message) *kgo.Record {
	record, _ := m.Context().Value(recordKey{}).(*kgo.Record)
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
