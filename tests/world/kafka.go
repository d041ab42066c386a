package world

import (
	"context"
	"errors"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/contracts"
	"waybill.dev/platform/messaging"
)

// kafka takes the messages, as the relays would have sent them.
type kafka struct {
	client *kgo.Client
	prefix string

	mu  sync.Mutex
	err error
}

func openKafka(ctx context.Context, brokers []string, prefix string) (*kafka, error) {
	if err := messaging.CreateTopics(ctx, brokers, prefix, contracts.Topics()); err != nil {
		return nil, err
	}
	// The records go to the partitions that the relays would choose: both hash keys as Java's client does.
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ProducerBatchMaxBytes(1<<20), kgo.MaxBufferedRecords(50_000))
	if err != nil {
		return nil, err
	}
	return &kafka{client: client, prefix: prefix}, nil
}

// record is a message as it is of an order.
func (k *kafka) record(r record, o *one) *kgo.Record {
	out := &kgo.Record{Topic: k.prefix + r.topic, Key: r.key.appendTo(nil, o), Value: r.value.appendTo(nil, o)}
	for _, h := range r.headers {
		out.Headers = append(out.Headers, kgo.RecordHeader{Key: h.name, Value: h.value.appendTo(nil, o)})
	}
	return out
}

// send queues a message; its failure is told by finish.
func (k *kafka) send(r *kgo.Record) {
	k.client.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
		if err != nil {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.err = errors.Join(k.err, err)
		}
	})
}

// finish waits until Kafka has everything, and notes that every service has read it unless it is to be unread.
func (k *kafka) finish(ctx context.Context, unread bool) error {
	if err := k.client.Flush(ctx); err != nil {
		return err
	}
	if k.err != nil || unread {
		return k.err
	}
	return CommitAll(ctx, k.client, k.prefix)
}

// CommitAll notes that every service has read everything.
func CommitAll(ctx context.Context, client *kgo.Client, prefix string) error {
	admin := kadm.NewClient(client)
	var topics []string
	for _, t := range contracts.Topics() {
		topics = append(topics, prefix+t.Name)
	}
	ends, err := admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return err
	}
	for _, service := range suite.ServiceNames() {
		if err := admin.CommitAllOffsets(ctx, prefix+service, ends.Offsets()); err != nil {
			return err
		}
	}
	return nil
}

func (k *kafka) close() { k.client.Close() }
