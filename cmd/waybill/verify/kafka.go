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

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/cmd/waybill/offsets"
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

// places is how many of a partition's first messages are kept.
const places = 8

func openKafka(brokers []string, prefix string) (*kafka, error) {
	client, err := offsets.Open(brokers, "waybill-verify")
	if err != nil {
		return nil, err
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

// noteRead notes how far each service has read, and where each partition ends.
func (k *kafka) noteRead(ctx context.Context) (err error) {
	for _, service := range suite.ServiceNames() {
		k.read[service] = map[partition]int64{}
		committed, err := offsets.Committed(ctx, k.admin, offsets.Group(k.prefix, service))
		if err != nil {
			return err
		}
		committed.Each(func(o kadm.Offset) {
			if len(o.Topic) >= len(k.prefix) {
				k.read[service][partition{o.Topic[len(k.prefix):], o.Partition}] = o.At
			}
		})
	}
	k.ended, err = k.list(ctx, k.admin.ListEndOffsets)
	return err
}

// readByAll is how far all services have read a partition that hear it.
func (k *kafka) readByAll(p partition) int64 {
	least := k.ended[p]
	for _, service := range audit.Hearers(p.topic) {
		least = min(least, k.read[service][p])
	}
	return least
}

// isBehind says whether the service had not read all that it hears and that came before a time.
func (k *kafka) isBehind(ctx context.Context, service string, before time.Time) (bool, error) {
	came, err := k.list(ctx, func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
		return k.admin.ListOffsetsAfterMilli(ctx, before.UnixMilli(), topics...)
	})
	for p, offset := range came {
		if k.read[service][p] < offset && slices.Contains(audit.Hearers(p.topic), service) {
			return true, err
		}
	}
	return false, err
}

// noteEnds notes what is to be read. It is an error where no topic is there: the services make theirs before they say
// anything, and what has never been there is not what is no longer kept.
func (k *kafka) noteEnds(ctx context.Context) (err error) {
	if k.ends, err = k.list(ctx, k.admin.ListEndOffsets); err != nil {
		return err
	}
	if len(k.ends) == 0 {
		return fmt.Errorf("kafka: none of the suite's topics is there under the prefix %q: it is another's, or these are not the suite's brokers", k.prefix)
	}
	k.begins, err = k.list(ctx, k.admin.ListStartOffsets)
	return err
}

func (k *kafka) list(ctx context.Context, ask func(context.Context, ...string) (kadm.ListedOffsets, error)) (map[partition]int64, error) {
	listed, err := ask(ctx, withPrefix(k.prefix, k.topics)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	at := map[partition]int64{}
	listed.Each(func(o kadm.ListedOffset) {
		switch {
		case errors.Is(o.Err, kerr.UnknownTopicOrPartition): // it is as good as empty
		case o.Err != nil:
			err = errors.Join(err, fmt.Errorf("kafka: topic %s: %w", o.Topic, o.Err))
		default:
			at[partition{o.Topic[len(k.prefix):], o.Partition}] = o.Offset
		}
	})
	return at, err
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
	k, spans := a.kafka, offsets.Spans{}
	for p, end := range k.ends {
		spans.Add(k.prefix+p.topic, p.number, offsets.Span{From: k.begins[p], Until: end})
	}
	return offsets.Read(ctx, k.client, spans, func(r *kgo.Record) error {
		return a.takeRecord(partition{r.Topic[len(k.prefix):], r.Partition}, r)
	})
}

// takeRecord keeps what the audit needs of a message: its envelope, and a hash of what it says.
func (a *auditor) takeRecord(p partition, r *kgo.Record) error {
	k := a.kafka
	a.count(&a.report.Messages)
	var id, source, subject, tenant, at, event, cause string
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
		case contracts.HeaderType:
			event = string(h.Value)
		case contracts.HeaderCausationID:
			cause = string(h.Value)
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
	out.number(a.contentOf(event, at, cause, r.Value))
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
