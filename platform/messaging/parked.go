package messaging

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"waybill.dev/platform/failure"
)

// Database is what parking needs of PostgreSQL: a pool, or a transaction.
type Database interface {
	Exec(ctx context.Context, sql string, arguments ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, arguments ...any) (pgx.Rows, error)
}

// Parking is a message that could not be read or handled, whole, and why.
type Parking struct {
	// Topic is where it came from, its prefix included: a Kafka topic, or another place such as
	// "carrier-webhooks".
	Topic string
	// Place is the record's place in the topic; nil for what did not come from Kafka.
	Place *Place
	Key   []byte
	// Headers hold every value of each header, as they came.
	Headers map[string][][]byte
	Value   []byte

	// Tenant, Subject, MessageID and EventType are empty where the message does not tell. A message without a
	// place is known by its topic and MessageID: parked again, it is one row.
	Tenant, Subject, MessageID, EventType string
	// Reason is told to operators and must hold nothing of the message's content that is secret.
	Reason string
	// Class is what sort of failure it is; "" is permanent.
	Class failure.Class
	// Tries is how often it has been tried, and Stack where it panicked.
	Tries int
	Stack string

	// origin is where it came from; "" is outside.
	origin Origin
	// waiting says that it has not failed, and only waits for what is parked before it.
	waiting bool
}

// Place is where a record stands in Kafka.
type Place struct {
	Partition int32
	Offset    int64
}

// Origin is the way by which a message came to be parked, and by which it is redriven.
type Origin string

const (
	// FromKafka: the service heard it, and could not handle it. It holds up what comes after it of its tenant and
	// subject.
	FromKafka Origin = "kafka"
	// FromOutbox: Kafka refused it. To redrive it is to send it once more.
	FromOutbox Origin = "outbox"
	// FromOutside: it came by another way, such as a webhook. It holds up nothing.
	FromOutside Origin = "outside"
)

// ordered says whether the message holds up others.
func (p Parking) ordered() bool {
	return p.origin == FromKafka && p.Tenant != "" && p.Subject != ""
}

// parkedNamespace is the UUID namespace of the ids of parked messages.
const parkedNamespace = "waybill.dev/parked/"

// id follows from the message, so that the same one twice meets itself.
func (p Parking) id() uuid.UUID {
	name := fmt.Sprintf("%s%s\x00%s", parkedNamespace, p.Topic, p.MessageID)
	if p.Place != nil {
		name = fmt.Sprintf("%s\x00%d\x00%d\x00%s", name, p.Place.Partition, p.Place.Offset, p.Value)
	}
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name))
}

const insertParked = `INSERT INTO parked_messages AS old
	(id, topic, partition, "offset", key, headers, value, tenant, subject, message_id, event_type, error,
		origin, ordered, waiting, class, tries, stack)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`

// Park keeps a message. To park it again changes nothing, unless it had been sent to Kafka again and is refused again.
func Park(ctx context.Context, db Database, p Parking) error {
	headers, err := json.Marshal(p.Headers)
	if err != nil {
		return fmt.Errorf("park: %w", err)
	}
	if p.Headers == nil {
		headers = []byte("{}")
	}
	origin := cmp.Or(p.origin, FromOutside)
	conflict := " ON CONFLICT DO NOTHING"
	if origin == FromOutbox {
		conflict = ` ON CONFLICT (id) DO UPDATE SET state = 'parked', redrive_at = NULL, error = excluded.error, tries = old.tries + 1
			WHERE old.state = 'redriven'`
	}
	insert := func(partition *int32, offset *int64) (int64, error) {
		tag, err := db.Exec(ctx, insertParked+conflict, p.id(), text(p.Topic), partition, offset, p.Key, headers, p.Value,
			text(p.Tenant), text(p.Subject), text(p.MessageID), text(p.EventType), text(p.Reason),
			origin, p.ordered(), p.waiting, cmp.Or(p.Class, failure.Permanent), p.Tries, p.Stack)
		return tag.RowsAffected(), err
	}
	if p.Place == nil {
		_, err = insert(nil, nil)
	} else {
		var inserted int64
		if inserted, err = insert(&p.Place.Partition, &p.Place.Offset); err == nil && inserted == 0 {
			// It is parked already, or another message is that stood at the same place of a topic that was made
			// anew since: then it is kept without its place.
			_, err = insert(nil, nil)
		}
	}
	if err != nil {
		return fmt.Errorf("park: %w", err)
	}
	return nil
}

// maxText bounds what is copied out of a message for lists, in bytes; the message itself is kept whole beside it. Two of
// these fit into the row of an index, which holds 2,704 bytes at most.
const maxText = 1000

// text makes a string fit for a text column: a header may hold any bytes.
func text(s string) string {
	return cut(strings.ReplaceAll(strings.ToValidUTF8(cut(s), "\uFFFD"), "\x00", "\uFFFD")) // a replacement is longer
}

// cut cuts what is too long, between two characters.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for end > maxText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// last is the last value of a header, and "" where it has none.
func last(values [][]byte) string {
	if len(values) == 0 {
		return ""
	}
	return string(values[len(values)-1])
}
