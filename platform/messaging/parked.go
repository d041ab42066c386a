package messaging

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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
}

// Place is where a record stands in Kafka.
type Place struct {
	Partition int32
	Offset    int64
}

// Parked is a parked message without its content, for lists.
type Parked struct {
	ID        uuid.UUID `json:"id"`
	Topic     string    `json:"topic"`
	Partition *int32    `json:"partition,omitempty"`
	Offset    *int64    `json:"offset,omitempty"`
	Tenant    string    `json:"tenant"`
	Subject   string    `json:"subject"`
	MessageID string    `json:"messageId"`
	EventType string    `json:"eventType"`
	Error     string    `json:"error"`
	ParkedAt  time.Time `json:"parkedAt"`
}

// Cursor is the last row of a page.
type Cursor struct {
	ParkedAt time.Time `json:"parkedAt"`
	ID       uuid.UUID `json:"id"`
}

// parkedNamespace is the UUID namespace of the ids of parked messages.
const parkedNamespace = "waybill.dev/parked/"

const insertParked = `INSERT INTO parked_messages
	(id, topic, partition, "offset", key, headers, value, tenant, subject, message_id, event_type, error)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`

// Park keeps the message. To park it again changes nothing.
func Park(ctx context.Context, db Database, p Parking) error {
	headers, err := json.Marshal(p.Headers)
	if err != nil {
		return fmt.Errorf("park: %w", err)
	}
	if p.Headers == nil {
		headers = []byte("{}")
	}
	var partition *int32
	var offset *int64
	name := fmt.Sprintf("%s%s\x00%s", parkedNamespace, p.Topic, p.MessageID)
	if p.Place != nil {
		partition, offset = &p.Place.Partition, &p.Place.Offset
		name = fmt.Sprintf("%s\x00%d\x00%d\x00%s", name, *partition, *offset, p.Value)
	}
	// The id follows from the message, so that the same one twice meets itself.
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(name))
	insert := func() (int64, error) {
		tag, err := db.Exec(ctx, insertParked, id, text(p.Topic), partition, offset, p.Key, headers, p.Value,
			text(p.Tenant), text(p.Subject), text(p.MessageID), text(p.EventType), text(p.Reason))
		return tag.RowsAffected(), err
	}
	inserted, err := insert()
	if err == nil && inserted == 0 && p.Place != nil {
		// It is parked already, or another message is that stood at the same place of a topic that was made
		// anew since: then it is kept without its place.
		partition, offset = nil, nil
		_, err = insert()
	}
	if err != nil {
		return fmt.Errorf("park: %w", err)
	}
	return nil
}

// List gives the parked messages of a tenant, the newest first, after the cursor; nil begins. With no tenant
// named it gives everybody's, also those that do not tell whose they are.
func List(ctx context.Context, db Database, tenant string, limit int, after *Cursor) ([]Parked, error) {
	if after == nil {
		after = &Cursor{ParkedAt: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), ID: uuid.Max}
	}
	of, arguments := "", []any{after.ParkedAt, after.ID, limit}
	if tenant != "" { // a condition that holds for everybody would keep the index of tenants from being used
		of, arguments = "tenant = $4 AND", append(arguments, tenant)
	}
	rows, err := db.Query(ctx, `SELECT id, topic, partition, "offset", tenant, subject, message_id, event_type, error, parked_at
		FROM parked_messages WHERE `+of+` (parked_at, id) < ($1, $2)
		ORDER BY parked_at DESC, id DESC LIMIT $3`, arguments...)
	if err != nil {
		return nil, fmt.Errorf("list parked messages: %w", err)
	}
	parked, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Parked])
	if err != nil {
		return nil, fmt.Errorf("list parked messages: %w", err)
	}
	return parked, nil
}

// maxText bounds what is copied out of a message for lists; the message itself is kept whole beside it.
const maxText = 1000

// text makes a string fit for a text column: a header may hold any bytes.
func text(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
