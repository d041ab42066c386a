// Package offsets reads parts of Kafka's topics, and knows and moves how far services have come in them.
package offsets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// patience is how long Kafka may have nothing to say: a new one first makes the topic that it keeps groups in.
const patience = 30 * time.Second

// Open makes a client for the functions of this package. It does not connect.
func Open(brokers []string, name string) (*kgo.Client, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ClientID(name), kgo.RetryTimeout(patience), kgo.DialTimeout(5*time.Second))
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return client, nil
}

// Span is a part of a partition: from an offset on, up to another that is no longer a part of it.
type Span struct{ From, Until int64 }

// Spans are parts of topics, by their names on Kafka and the numbers of their partitions.
type Spans map[string]map[int32]Span

// Add adds what is to be read of a partition.
func (s Spans) Add(topic string, partition int32, span Span) {
	if span.From >= span.Until {
		return
	}
	if s[topic] == nil {
		s[topic] = map[int32]Span{}
	}
	s[topic][partition] = span
}

// Read hands out every record of the spans once, those of a partition in their order, and moves the spans along. The brokers
// are the client's.
func Read(ctx context.Context, of *kgo.Client, spans Spans, take func(*kgo.Record) error) error {
	from, left := map[string]map[int32]kgo.Offset{}, 0
	for topic, partitions := range spans {
		from[topic] = map[int32]kgo.Offset{}
		for number, span := range partitions {
			from[topic][number] = kgo.NewOffset().At(span.From)
			left++
		}
	}
	if left == 0 {
		return nil
	}
	client, err := kgo.NewClient(append(of.Opts(),
		kgo.ConsumePartitions(from), kgo.KeepControlRecords(), kgo.FetchMaxBytes(4<<20), kgo.FetchMaxPartitionBytes(1<<20),
		kgo.MaxConcurrentFetches(1))...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	defer client.Close()
	for left > 0 {
		waiting, cancel := context.WithTimeout(ctx, patience)
		fetches := client.PollFetches(waiting)
		cancel()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, failed := range fetches.Errors() {
			if errors.Is(failed.Err, context.DeadlineExceeded) {
				return fmt.Errorf("kafka: %d partitions are not read to their ends, and nothing has come for %s", left, patience)
			}
			return fmt.Errorf("kafka: topic %s: %w", failed.Topic, failed.Err)
		}
		var failed error
		fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
			span := spans[fetched.Topic][fetched.Partition]
			if failed != nil || span.From >= span.Until {
				return
			}
			for _, r := range fetched.Records {
				span.From = r.Offset + 1
				if r.Offset < span.Until && !r.Attrs.IsControl() {
					if failed = take(r); failed != nil {
						return
					}
				}
			}
			spans[fetched.Topic][fetched.Partition] = span
			if span.From >= span.Until {
				left--
				client.PauseFetchPartitions(map[string][]int32{fetched.Topic: {fetched.Partition}})
			}
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}
