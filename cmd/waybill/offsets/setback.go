package offsets

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/contracts"
)

// SetBack sets the group of a service back where it has read what the service's database does not know: each partition to
// the first message that was neither handled nor parked. No group is ever set forward. It returns how many messages there
// are that the service would have missed; of 0 nothing was changed. It is an error while the group has a member.
//
// The search path of db is the service's schema. What came to Kafka before the time until which the inbox was swept is not
// looked at: nothing is swept before the group has read all that is as old, and its offsets are committed after the
// handling.
func SetBack(ctx context.Context, db pgx.Tx, kafka *kgo.Client, prefix, service string) (missed int64, err error) {
	admin, group := kadm.NewClient(kafka), Group(prefix, service)
	if err := checkEmpty(ctx, admin, group); err != nil {
		return 0, err
	}
	committed, err := Committed(ctx, admin, group)
	if err != nil {
		return 0, err
	}
	spans, err := unswept(ctx, db, admin, prefix, committed)
	if err != nil {
		return 0, err
	}
	m := missing{db: db}
	if err := Read(ctx, kafka, spans, func(r *kgo.Record) error { return m.take(ctx, r) }); err != nil {
		return 0, err
	}
	if err := m.look(ctx); err != nil || m.count == 0 {
		return 0, err
	}
	// Kafka itself refuses this of a group that somebody has joined meanwhile.
	if err := admin.CommitAllOffsets(ctx, group, m.first); err != nil {
		return 0, fmt.Errorf("kafka: group %s: %w", group, err)
	}
	return m.count, nil
}

// checkEmpty is an error where somebody is in the group.
func checkEmpty(ctx context.Context, admin *kadm.Client, group string) error {
	described, err := coordinated(ctx, func() (kadm.DescribedGroups, error) {
		all, err := admin.DescribeGroups(ctx, group)
		if err == nil {
			err = all.Error()
		}
		return all, err
	})
	switch members := len(described[group].Members); {
	case errors.Is(err, kerr.GroupIDNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("kafka: group %s: %w", group, err)
	case members > 0:
		return fmt.Errorf("the service is in its group %s on Kafka (%d members): stop it first; of one that was killed Kafka knows after some seconds", group, members)
	}
	return nil
}

// unswept are the spans that the group has read, without what is older than the inbox knows.
func unswept(ctx context.Context, db pgx.Tx, admin *kadm.Client, prefix string, committed kadm.Offsets) (Spans, error) {
	rows, err := db.Query(ctx, `SELECT topic, floor(extract(epoch FROM until) * 1000)::bigint FROM inbox_swept WHERE until > '-infinity'`)
	if err != nil {
		return nil, err
	}
	swept := map[string]int64{}
	var topic string
	var until int64
	if _, err := pgx.ForEachRow(rows, []any{&topic, &until}, func() error { swept[prefix+topic] = until; return nil }); err != nil {
		return nil, err
	}
	spans := Spans{}
	for topic, partitions := range committed {
		list := admin.ListStartOffsets
		if until, ok := swept[topic]; ok {
			list = func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
				return admin.ListOffsetsAfterMilli(ctx, until, topics...)
			}
		}
		begins, err := list(ctx, topic)
		if err == nil {
			err = begins.Error()
		}
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			continue // it was deleted
		}
		var ends kadm.ListedOffsets
		if err == nil {
			ends, err = admin.ListEndOffsets(ctx, topic)
		}
		if err == nil {
			err = ends.Error()
		}
		if err != nil {
			return nil, fmt.Errorf("kafka: topic %s: %w", topic, err)
		}
		for number, read := range partitions {
			spans.Add(topic, number, Span{begins[topic][number].Offset, min(read.At, ends[topic][number].Offset)})
		}
	}
	return spans, nil
}

// missing finds the messages that a service's database does not know.
type missing struct {
	db pgx.Tx
	// The messages that are to be looked for next.
	ids, topics []string
	partitions  []int32
	offsets     []int64

	count int64
	// first is the first one of each partition.
	first kadm.Offsets
}

// lookedFor is how many messages are looked for with one statement.
const lookedFor = 1000

func (m *missing) take(ctx context.Context, r *kgo.Record) error {
	id := ""
	for _, h := range r.Headers {
		// Any bytes may come from Kafka. What cannot stand in a table is parked if anything, and known by its place.
		if h.Key == contracts.HeaderID && utf8.Valid(h.Value) && !strings.Contains(string(h.Value), "\x00") {
			id = string(h.Value)
		}
	}
	m.ids, m.topics = append(m.ids, id), append(m.topics, r.Topic)
	m.partitions, m.offsets = append(m.partitions, r.Partition), append(m.offsets, r.Offset)
	if len(m.ids) < lookedFor {
		return nil
	}
	return m.look(ctx)
}

func (m *missing) look(ctx context.Context) error {
	rows, err := m.db.Query(ctx, `
SELECT topic, partition, min("offset"), count(*)
FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) m (id, topic, partition, "offset")
WHERE NOT EXISTS (SELECT FROM inbox i WHERE i.message_id = m.id) AND NOT EXISTS (
    SELECT FROM parked_messages p WHERE p.topic = m.topic AND p.partition = m.partition AND p."offset" = m."offset")
GROUP BY topic, partition`, m.ids, m.topics, m.partitions, m.offsets)
	if err != nil {
		return err
	}
	m.ids, m.topics, m.partitions, m.offsets = m.ids[:0], m.topics[:0], m.partitions[:0], m.offsets[:0]
	var topic string
	var partition int32
	var offset, count int64
	_, err = pgx.ForEachRow(rows, []any{&topic, &partition, &offset, &count}, func() error {
		m.count += count
		if _, ok := m.first.Lookup(topic, partition); !ok {
			m.first.AddOffset(topic, partition, offset, -1)
		}
		return nil
	})
	return err
}
