package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/contracts"
)

// kafka is the topics, from where they begin to where they ended at a moment.
type kafka struct {
	client *kgo.Client
	admin  *kadm.Client
	prefix string
	topics []string // without the prefix
	// read is how far each service had read each partition when the audit began, ended where each partition ended then.
	read  map[string]map[partition]int64
	ended map[partition]int64
	// begins and ends are what is read of each partition.
	begins, ends map[partition]int64
	// began is the time of the oldest message of each topic that is there, and first are the first messages of
	// partitions that have lost what stood before.
	began map[string]time.Time
	first map[partition][]place
}

// partition is a topic, without the prefix, and a number.
type partition struct {
	topic  string
	number int32
}

// place is where a fact stands that a message was made from.
type place struct {
	source, tenant, subject string
	version                 int64
}

const (
	// silence is how long Kafka may have nothing to say before the audit is given up: a new one first makes the topic
	// that it keeps groups in.
	silence = 30 * time.Second
	// places is how many of a partition's first messages are kept.
	places = 8
)

func openKafka(brokers []string, prefix string) (*kafka, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ClientID("waybill-verify"),
		kgo.RetryTimeout(silence), kgo.DialTimeout(5*time.Second))
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	k := &kafka{
		client: client, admin: kadm.NewClient(client), prefix: prefix,
		read: map[string]map[partition]int64{}, began: map[string]time.Time{}, first: map[partition][]place{},
	}
	for _, t := range contracts.Topics() {
		k.topics = append(k.topics, t.Name)
	}
	return k, nil
}

func (k *kafka) close() { k.client.Close() }

// group is the consumer group of a service, as the server names it.
func (k *kafka) group(service string) string { return k.prefix + service }

// coordinatorWait is how long a group's coordinator is waited for. The client pauses between its own tries.
const coordinatorWait = 30 * time.Second

// noteRead notes how far each service has read, and where each partition ends.
func (k *kafka) noteRead(ctx context.Context) (err error) {
	for _, service := range suite.ServiceNames() {
		k.read[service] = map[partition]int64{}
		committed, err := k.admin.FetchOffsets(ctx, k.group(service))
		// Kafka makes its topic of offsets when it is first asked for one.
		for until := time.Now().Add(coordinatorWait); errors.Is(err, kerr.CoordinatorNotAvailable) && ctx.Err() == nil && time.Now().Before(until); {
			committed, err = k.admin.FetchOffsets(ctx, k.group(service))
		}
		if err != nil {
			if errors.Is(err, kerr.GroupIDNotFound) {
				continue
			}
			return fmt.Errorf("kafka: group %s: %w", k.group(service), err)
		}
		committed.Each(func(o kadm.OffsetResponse) {
			if o.Err == nil && o.At >= 0 && len(o.Topic) >= len(k.prefix) {
				k.read[service][partition{o.Topic[len(k.prefix):], o.Partition}] = o.At
			}
		})
	}
	k.ended, err = k.list(ctx, k.admin.ListEndOffsets)
	return err
}

// noteEnds notes what is to be read.
func (k *kafka) noteEnds(ctx context.Context) (err error) {
	if k.ends, err = k.list(ctx, k.admin.ListEndOffsets); err != nil {
		return err
	}
	k.begins, err = k.list(ctx, k.admin.ListStartOffsets)
	return err
}

func (k *kafka) list(ctx context.Context, ask func(context.Context, ...string) (kadm.ListedOffsets, error)) (map[partition]int64, error) {
	listed, err := ask(ctx, withPrefix(k.prefix, k.topics)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	offsets := map[partition]int64{}
	listed.Each(func(o kadm.ListedOffset) {
		switch {
		case errors.Is(o.Err, kerr.UnknownTopicOrPartition): // it is as good as empty
		case o.Err != nil:
			err = errors.Join(err, fmt.Errorf("kafka: topic %s: %w", o.Topic, o.Err))
		default:
			offsets[partition{o.Topic[len(k.prefix):], o.Partition}] = o.Offset
		}
	})
	return offsets, err
}

func withPrefix(prefix string, names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = prefix + name
	}
	return all
}

// readTopics reads every message once.
func (a *auditor) readTopics(ctx context.Context) error {
	k := a.kafka
	from, left := map[string]map[int32]kgo.Offset{}, 0
	for p, end := range k.ends {
		if k.begins[p] >= end {
			continue
		}
		topic := k.prefix + p.topic
		if from[topic] == nil {
			from[topic] = map[int32]kgo.Offset{}
		}
		from[topic][p.number] = kgo.NewOffset().At(k.begins[p])
		left++
	}
	if left == 0 {
		return nil
	}
	client, err := kgo.NewClient(append(k.client.Opts(),
		kgo.ConsumePartitions(from), kgo.KeepControlRecords(), kgo.FetchMaxBytes(4<<20), kgo.FetchMaxPartitionBytes(1<<20),
		kgo.MaxConcurrentFetches(1))...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	defer client.Close()
	next := map[partition]int64{}
	for left > 0 {
		waiting, cancel := context.WithTimeout(ctx, silence)
		fetches := client.PollFetches(waiting)
		cancel()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, failed := range fetches.Errors() {
			if errors.Is(failed.Err, context.DeadlineExceeded) {
				return fmt.Errorf("kafka: %d partitions are not read to their ends, and nothing has come for %s", left, silence)
			}
			return fmt.Errorf("kafka: topic %s: %w", failed.Topic, failed.Err)
		}
		var failed error
		fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
			p := partition{fetched.Topic[len(k.prefix):], fetched.Partition}
			end := k.ends[p]
			if failed != nil || next[p] >= end {
				return
			}
			for _, r := range fetched.Records {
				next[p] = r.Offset + 1
				if r.Offset < end && !r.Attrs.IsControl() {
					if failed = a.takeRecord(p, r); failed != nil {
						return
					}
				}
			}
			if next[p] >= end {
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

// takeRecord keeps what the audit needs of a message: its envelope.
func (a *auditor) takeRecord(p partition, r *kgo.Record) error {
	k := a.kafka
	a.count(&a.report.Messages)
	var id, source, subject, tenant, at string
	var sequence int64
	for _, h := range r.Headers {
		switch h.Key {
		case contracts.HeaderID:
			id = string(h.Value)
		case contracts.HeaderSource:
			source = string(h.Value)
		case contracts.HeaderSubject:
			subject = string(h.Value)
		case contracts.HeaderTenant:
			tenant = string(h.Value)
		case contracts.HeaderTime:
			at = string(h.Value)
		case contracts.HeaderSequence:
			sequence, _ = strconv.ParseInt(string(h.Value), 10, 64) // none is the version 0
		}
	}
	if id == "" || subject == "" || tenant == "" {
		a.unreadable(p, r.Offset)
		return nil
	}
	k.noteFirst(p, place{source, tenant, subject, sequence}, at)
	var out packer
	out.number(int64(slices.Index(k.topics, p.topic)))
	out.number(int64(p.number))
	out.number(r.Offset)
	out.text(id)
	out.text(source)
	out.number(sequence)
	out.flag(r.Offset >= k.ended[p])
	out.flag(string(r.Key) != subject)
	return a.spill.add(tenant+"/"+subject, aCopy, out)
}

// noteFirst notes when a topic begins, and what a partition begins with.
func (k *kafka) noteFirst(p partition, at place, said string) {
	if len(k.first[p]) >= places {
		return
	}
	if len(k.first[p]) == 0 {
		if t, err := time.Parse(time.RFC3339Nano, said); err == nil && (k.began[p.topic].IsZero() || t.Before(k.began[p.topic])) {
			k.began[p.topic] = t
		}
	}
	k.first[p] = append(k.first[p], at)
}
