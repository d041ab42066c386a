package messaging

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/contracts"
)

// position is a place in the outbox: rows are ordered by the transaction that wrote them, then by number.
type position struct {
	transaction uint64
	offset      int64
}

// row is a message in the outbox, as Watermill's SQL schema keeps it.
type row struct {
	position
	uuid     string
	payload  []byte
	metadata []byte
	// headers are the metadata read, and unreadable why they could not be.
	headers    map[string]string
	unreadable error
}

// session is a connection to PostgreSQL or a pool of them.
type session interface {
	Database
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

const (
	// group is the relay's name among the readers of the outbox.
	group = "relay"
	// sentGroup is the beginning of the names of the relay's marks: a row "sent/{milliseconds}" holds how far it
	// had come at that time, by the server's clock.
	sentGroup = "sent/"
	// batchBytes bounds the payloads of a batch; the first row is always in it.
	batchBytes = 4 << 20
)

// topic is where the row's message goes, without the prefix.
func (r row) topic() string { return contracts.Type(r.headers[contracts.HeaderType]).Topic() }

// parking is the row as a message that Kafka refused.
func (r row) parking(prefix string, reason error) Parking {
	values := map[string][][]byte{}
	for name, value := range r.headers {
		values[name] = [][]byte{[]byte(value)}
	}
	if r.unreadable != nil {
		values["metadata"] = [][]byte{r.metadata}
	}
	p := Parking{
		Topic: prefix + r.topic(), Headers: values, Value: r.payload,
		Key: []byte(r.headers[contracts.HeaderPartitionKey]), Tenant: r.headers[contracts.HeaderTenant],
		Subject: r.headers[contracts.HeaderSubject], MessageID: r.headers[contracts.HeaderID],
		EventType: r.headers[contracts.HeaderType], Reason: "not published: " + reason.Error(), Tries: 1, origin: FromOutbox,
	}
	if p.MessageID == "" {
		p.MessageID = r.uuid
	}
	return p
}

// readOutbox reads the rows after a position. It stays below the oldest transaction that is still running, so
// that a row which is committed later never has its place among those that were read; and it compares whole
// rows, which the primary key answers at once however long the backlog is.
func readOutbox(ctx context.Context, db session, after position, limit int) ([]row, error) {
	return queryOutbox(ctx, db, `SELECT transaction_id, "offset", uuid, payload, metadata FROM (
			SELECT *, sum(pg_column_size(payload)) OVER (ORDER BY transaction_id, "offset") - pg_column_size(payload) AS before
			FROM (
				SELECT transaction_id, "offset", uuid, payload, metadata FROM watermill_outbox
				WHERE (transaction_id, "offset") > ($1, $2) AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
				ORDER BY transaction_id, "offset" LIMIT $3
			) AS next
		) AS bounded WHERE before <= $4 ORDER BY transaction_id, "offset"`,
		after.transaction, after.offset, limit, batchBytes)
}

// readSent reads again, in order, rows that have been sent and were written since a time.
func readSent(ctx context.Context, db session, after, until position, since time.Time, limit int) ([]row, error) {
	return queryOutbox(ctx, db, `SELECT transaction_id, "offset", uuid, payload, metadata FROM watermill_outbox
		WHERE (transaction_id, "offset") > ($1, $2) AND (transaction_id, "offset") <= ($3, $4)
			AND created_at >= $5::timestamptz::timestamp
		ORDER BY transaction_id, "offset" LIMIT $6`,
		after.transaction, after.offset, until.transaction, until.offset, since, limit)
}

func queryOutbox(ctx context.Context, db session, sql string, args ...any) ([]row, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	read, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (row, error) {
		var o row
		err := r.Scan(&o.transaction, &o.offset, &o.uuid, &o.payload, &o.metadata)
		if unreadable := json.Unmarshal(o.metadata, &o.headers); unreadable != nil {
			o.unreadable = fmt.Errorf("metadata: %w", unreadable)
		}
		return o, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	return read, nil
}

// sentUntil is how far the relay has come.
func sentUntil(ctx context.Context, db session) (position, error) {
	var p position
	err := db.QueryRow(ctx, `SELECT last_processed_transaction_id, offset_acked FROM watermill_offsets_outbox
		WHERE consumer_group = $1`, group).Scan(&p.transaction, &p.offset)
	if errors.Is(err, pgx.ErrNoRows) {
		return position{}, nil
	}
	if err != nil {
		return position{}, fmt.Errorf("read the outbox's offset: %w", err)
	}
	return p, nil
}

// moveSent says that everything up to the position has been sent. It only ever moves forward.
func moveSent(ctx context.Context, db Database, to position) error {
	_, err := db.Exec(ctx, `INSERT INTO watermill_offsets_outbox AS o (consumer_group, offset_acked, last_processed_transaction_id)
		VALUES ($1, $2, $3) ON CONFLICT (consumer_group)
		DO UPDATE SET offset_acked = excluded.offset_acked, last_processed_transaction_id = excluded.last_processed_transaction_id
		WHERE (o.last_processed_transaction_id, o.offset_acked) < (excluded.last_processed_transaction_id, excluded.offset_acked)`,
		group, to.offset, to.transaction)
	if err != nil {
		return fmt.Errorf("move the outbox's offset: %w", err)
	}
	return nil
}

// markSent notes how far the relay has come by now, unless the last mark says the same.
func markSent(ctx context.Context, db Database) error {
	_, err := db.Exec(ctx, `INSERT INTO watermill_offsets_outbox (consumer_group, offset_acked, last_processed_transaction_id)
		SELECT $2::text || (extract(epoch FROM clock_timestamp()) * 1000)::bigint, offset_acked, last_processed_transaction_id
		FROM watermill_offsets_outbox AS o WHERE consumer_group = $1 AND NOT EXISTS (
			SELECT FROM watermill_offsets_outbox AS mark WHERE mark.consumer_group LIKE $2::text || '%'
				AND (mark.last_processed_transaction_id, mark.offset_acked) = (o.last_processed_transaction_id, o.offset_acked))
		ON CONFLICT DO NOTHING`, group, sentGroup)
	if err != nil {
		return fmt.Errorf("mark the outbox: %w", err)
	}
	return nil
}

// sweepSent deletes up to limit rows that had been sent before the time that keep has gone by since, and says how
// many. How long ago a row was written says nothing: it may have waited for Kafka until a moment ago.
func sweepSent(ctx context.Context, db Database, keep time.Duration, limit int) (int64, error) {
	tag, err := db.Exec(ctx, `WITH mark AS (
			SELECT last_processed_transaction_id AS transaction_id, offset_acked AS "offset" FROM watermill_offsets_outbox
			WHERE consumer_group LIKE $1::text || '%'
				AND substr(consumer_group, length($1::text) + 1)::bigint <= extract(epoch FROM clock_timestamp()) * 1000 - $2::bigint
			ORDER BY 1 DESC, 2 DESC LIMIT 1)
		DELETE FROM watermill_outbox WHERE (transaction_id, "offset") IN (
			SELECT o.transaction_id, o."offset" FROM watermill_outbox AS o, mark
			WHERE (o.transaction_id, o."offset") <= (mark.transaction_id, mark."offset")
			ORDER BY o.transaction_id, o."offset" LIMIT $3)`,
		sentGroup, keep.Milliseconds(), limit)
	if err != nil {
		return 0, fmt.Errorf("sweep the outbox: %w", err)
	}
	return tag.RowsAffected(), nil
}

// forgetMarks deletes the marks that are of no more use: all that are old enough, but the newest of these.
func forgetMarks(ctx context.Context, db Database, keep time.Duration) error {
	_, err := db.Exec(ctx, `WITH old AS (
			SELECT consumer_group, row_number() OVER (ORDER BY last_processed_transaction_id DESC, offset_acked DESC) AS rank
			FROM watermill_offsets_outbox WHERE consumer_group LIKE $1::text || '%'
				AND substr(consumer_group, length($1::text) + 1)::bigint <= extract(epoch FROM clock_timestamp()) * 1000 - $2::bigint)
		DELETE FROM watermill_offsets_outbox WHERE consumer_group IN (SELECT consumer_group FROM old WHERE rank > 1)`,
		sentGroup, keep.Milliseconds())
	if err != nil {
		return fmt.Errorf("forget marks of the outbox: %w", err)
	}
	return nil
}

// depthLimit bounds what counting the outbox may cost; a deeper one is told as this deep.
const depthLimit = 10_000

// measureOutbox counts the rows that have not been sent, up to limit, and how long the oldest has waited.
func measureOutbox(ctx context.Context, db session, after position, limit int) (depth int, oldest time.Duration, err error) {
	var seconds float64
	err = db.QueryRow(ctx, `SELECT count(*), coalesce(extract(epoch FROM localtimestamp - min(created_at)), 0)::float8 FROM (
			SELECT created_at FROM watermill_outbox WHERE (transaction_id, "offset") > ($1, $2)
			ORDER BY transaction_id, "offset" LIMIT $3) AS waiting`,
		after.transaction, after.offset, limit).Scan(&depth, &seconds)
	if err != nil {
		return 0, 0, fmt.Errorf("measure the outbox: %w", err)
	}
	return depth, time.Duration(max(0, seconds) * float64(time.Second)), nil
}

// Unsent says whether a message waits in the service's outbox to be sent, and how long the oldest has.
func Unsent(ctx context.Context, pool *pgxpool.Pool) (oldest time.Duration, waiting bool, err error) {
	at, err := sentUntil(ctx, pool)
	if err != nil {
		return 0, false, err
	}
	depth, oldest, err := measureOutbox(ctx, pool, at, 1)
	return oldest, depth > 0, err
}
