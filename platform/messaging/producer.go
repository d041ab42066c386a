package messaging

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"

	"waybill.dev/contracts"
)

// producer sends batches of rows of an outbox. Its connection is made with the first batch, and made anew after
// a batch that failed: what sarama remembers of a broker that was away (an open breaker, a failed sequence) would
// otherwise hold up the next try.
type producer struct {
	brokers   []string
	prefix    string
	declared  map[string]contracts.Topic
	marshaler kafka.Marshaler

	mu        sync.Mutex // connected is closed by whoever gives up waiting for a send
	connected sarama.SyncProducer
}

// refusal is a row that Kafka will never take, and why.
type refusal struct {
	row row
	err error
}

const (
	// sendTime is after how long a send is given up, and sendGrace how long it may go on when the relay is to stop.
	// What becomes of it then only makes repeats.
	sendTime  = 10 * time.Second
	sendGrace = 2 * time.Second
)

func newProducer(brokers []string, prefix string) *producer {
	p := &producer{brokers: brokers, prefix: prefix, declared: map[string]contracts.Topic{}}
	for _, t := range contracts.Topics() {
		p.declared[t.Name] = t
	}
	p.marshaler = kafka.NewWithPartitioningMarshaler(func(_ string, m *message.Message) (string, error) {
		key := m.Metadata.Get(contracts.HeaderPartitionKey)
		if key == "" {
			return "", fmt.Errorf("%s is missing", contracts.HeaderPartitionKey)
		}
		return key, nil
	})
	return p
}

func producerConfig() *sarama.Config {
	c := kafkaConfig("waybill-relay")
	c.Net.MaxOpenRequests = 1
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Timeout = 4 * time.Second
	c.Producer.Retry.Max = 1 // the least for an idempotent producer; the relay sends the batch again by itself
	c.Producer.Retry.Backoff = 100 * time.Millisecond
	c.Producer.Return.Successes = true
	// Without it sarama sends the first record of a batch by itself, and the rest after its acknowledgement.
	c.Producer.Flush.Frequency = time.Millisecond
	c.Producer.MaxMessageBytes = maxMessageBytes - 1024 // the rest is for the head of the record batch
	// As Java's client does it, so that a producer in any language puts a key into the same partition.
	c.Producer.Partitioner = sarama.NewMurmur2Partitioner
	return c
}

// send sends the rows and waits until Kafka has them, but for those it refuses for good. After an error any of
// them may have arrived, and all are to be sent again.
//
// Order holds within a topic and key, whatever fails: the rows go out in waves, in which no topic and key stands
// twice, and a wave begins when the one before is acknowledged as a whole. So when the first copy of a record is
// sent, those before it with the same key have arrived, no matter what sarama gave up in between, or which other
// relay (one that has lost its lead and does not know it yet) sends as well. One wave would rely on sarama alone,
// which goes on with a partition after a batch for it has failed. An order speaks once per topic, nearly
// always, so that a batch is one wave.
func (p *producer) send(ctx context.Context, rows []row) ([]refusal, error) {
	var refused []refusal
	var waves [][]outgoing
	seen := map[string]int{}
	for _, r := range rows {
		m, err := p.marshal(r)
		if err != nil {
			refused = append(refused, refusal{r, err})
			continue
		}
		key, _ := m.Key.Encode() // bytes: there is nothing that could fail
		id := m.Topic + "\x00" + string(key)
		wave := seen[id]
		seen[id]++
		if wave == len(waves) {
			waves = append(waves, nil)
		}
		waves[wave] = append(waves[wave], outgoing{r, m})
	}
	for _, wave := range waves {
		more, err := p.sendWave(ctx, wave)
		if err != nil {
			p.disconnect()
			return nil, err
		}
		refused = append(refused, more...)
	}
	return refused, nil
}

type outgoing struct {
	row     row
	message *sarama.ProducerMessage
}

// sendWave sends records of different keys. What is refused along with others is sent once more by itself,
// because a batch that is too large says nothing about its records.
func (p *producer) sendWave(ctx context.Context, wave []outgoing) ([]refusal, error) {
	failed, err := p.sendOnce(ctx, wave)
	if err != nil {
		return nil, err
	}
	var refused []refusal
	for _, f := range failed {
		if f.message, err = p.marshal(f.row); err != nil {
			return nil, err
		}
		still, err := p.sendOnce(ctx, []outgoing{f.outgoing})
		if err != nil {
			return nil, err
		}
		for _, s := range still {
			refused = append(refused, refusal{s.row, s.err})
		}
	}
	return refused, nil
}

type failedSend struct {
	outgoing
	err error
}

// sendOnce gives the records that Kafka refuses for what they are; any other failure is an error.
func (p *producer) sendOnce(ctx context.Context, batch []outgoing) ([]failedSend, error) {
	connected, err := p.connect()
	if err != nil {
		return nil, err
	}
	messages := make([]*sarama.ProducerMessage, len(batch))
	for i, o := range batch {
		messages[i] = o.message
	}
	sent := make(chan error, 1)
	go func() { sent <- connected.SendMessages(messages) }()
	err = await(ctx, sent)
	var each sarama.ProducerErrors
	if !errors.As(err, &each) {
		return nil, err
	}
	byMessage := make(map[*sarama.ProducerMessage]outgoing, len(batch))
	for _, o := range batch {
		byMessage[o.message] = o
	}
	var failed []failedSend
	for _, e := range each {
		if !refusedForGood(e.Err) {
			return nil, fmt.Errorf("send to topic %s: %w", e.Msg.Topic, e.Err)
		}
		failed = append(failed, failedSend{byMessage[e.Msg], e.Err})
	}
	return failed, nil
}

// await waits for a send to end, but not for ever.
func await(ctx context.Context, sent <-chan error) error {
	tooLong := time.NewTimer(sendTime)
	defer tooLong.Stop()
	for stop := ctx.Done(); ; {
		select {
		case err := <-sent:
			return err
		case <-stop:
			stop = nil
			tooLong.Reset(sendGrace)
		case <-tooLong.C:
			return errors.New("Kafka does not answer")
		}
	}
}

func refusedForGood(err error) bool {
	var tooLarge sarama.ConfigurationError // sarama's word for a record above MaxMessageBytes
	return errors.As(err, &tooLarge) ||
		errors.Is(err, sarama.ErrMessageSizeTooLarge) ||
		errors.Is(err, sarama.ErrInvalidRecord)
}

func (p *producer) marshal(r row) (*sarama.ProducerMessage, error) {
	if r.unreadable != nil {
		return nil, r.unreadable
	}
	topic := r.topic()
	if _, ok := p.declared[topic]; !ok {
		return nil, fmt.Errorf("topic %q is not declared", topic)
	}
	m := message.NewMessage(r.uuid, r.payload)
	m.Metadata = r.headers
	return p.marshaler.Marshal(p.prefix+topic, m)
}

// createTopics makes the topics of the rows, where a cluster has lost them or never had them.
func (p *producer) createTopics(ctx context.Context, rows []row) error {
	var topics []contracts.Topic
	seen := map[string]bool{}
	for _, r := range rows {
		name := r.topic()
		if t, ok := p.declared[name]; ok && !seen[name] {
			seen[name] = true
			topics = append(topics, t)
		}
	}
	return CreateTopics(ctx, p.brokers, p.prefix, topics)
}

func (p *producer) connect() (sarama.SyncProducer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.connected == nil {
		connected, err := sarama.NewSyncProducer(p.brokers, producerConfig())
		if err != nil {
			return nil, fmt.Errorf("connect to Kafka: %w", err)
		}
		p.connected = connected
	}
	return p.connected, nil
}

// disconnect lets go of the connection. Closing waits for what is under way, which nobody else has to.
func (p *producer) disconnect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.connected != nil {
		go p.connected.Close()
		p.connected = nil
	}
}
