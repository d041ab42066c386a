package messaging_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/contracts"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
)

// What came before a time counts, whatever came after it; a group without offsets has read nothing.
func TestHasRead(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	now := time.Now()
	produceAt(t, brokers, prefix+names[0], now.Add(-72*time.Hour), now.Add(-71*time.Hour), now.Add(-time.Minute))
	released := make(chan struct{}, 3)
	consumer, err := messaging.NewConsumer(messaging.ConsumerConfig{
		Brokers: brokers, Group: prefix, Topics: names, TopicPrefix: prefix, Pool: pool,
		Handle: func(ctx context.Context, _ contracts.Message) error {
			select {
			case <-released:
				return nil
			case <-ctx.Done():
				return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, ctx.Err())
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	has := func(before time.Time) (read bool) {
		eventually(t, "Kafka tells of the group", func() bool {
			read, err = consumer.HasRead(t.Context(), before)
			return err == nil
		})
		return read
	}
	if !has(now.Add(-80*time.Hour)) || has(now.Add(-24*time.Hour)) || has(now) {
		t.Error("a group that has not come yet: what is older than all has been read, and nothing else")
	}
	inBackground(t, "consumer", consumer.Run)
	released <- struct{}{}
	eventually(t, "the first is read", func() bool { return has(now.Add(-71*time.Hour - time.Minute)) })
	if has(now.Add(-24 * time.Hour)) {
		t.Error("the second has not been read")
	}
	released <- struct{}{}
	eventually(t, "the second is read", func() bool { return has(now.Add(-24 * time.Hour)) })
	if has(now) {
		t.Error("the third has not been read")
	}
	released <- struct{}{}
	eventually(t, "the third is read", func() bool { return has(now.Add(time.Hour)) })
}

// produceAt puts messages of one key on a topic as if they had come at these times.
func produceAt(t *testing.T, brokers []string, topic string, times ...time.Time) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i, at := range times {
		record, err := said(contracts.StockReleased{}, "order", i).Encode()
		if err != nil {
			t.Fatal(err)
		}
		r := &kgo.Record{Topic: topic, Key: []byte(record.Key), Value: record.Value, Timestamp: at}
		for name, value := range record.Headers {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOffsetsKept(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.BrokerConfigs(map[string]string{"offsets.retention.minutes": "10080"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	for name, test := range map[string]struct {
		brokers []string
		want    time.Duration
	}{
		"Kafka's default":       {cluster.ListenAddrs(), 7 * 24 * time.Hour},
		"Apache Kafka, of ours": {kafkatest.Brokers(t), time.Duration(math.MaxInt64).Truncate(time.Minute)},
	} {
		consumer, err := messaging.NewConsumer(messaging.ConsumerConfig{
			Brokers: test.brokers, Group: "g", Topics: []string{"t"}, Pool: pgtest.Pool(t, service, nil),
			Handle: func(context.Context, contracts.Message) error { return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := consumer.OffsetsKept(t.Context()); err != nil || got != test.want {
			t.Errorf("%s: %s, want %s: %v", name, got, test.want, err)
		}
	}
}
