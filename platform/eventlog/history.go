package eventlog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"waybill.dev/platform/es"
)

const factColumns = "id::text, stream, version, kind, data, at, correlation_id, causation_id, trace_parent"

// History is every fact of one stream, oldest first.
func (l *Log) History(ctx context.Context, id es.StreamID) ([]es.Recorded, error) {
	rows, err := l.Pool.Query(ctx, "SELECT "+factColumns+" FROM events WHERE stream = $1 ORDER BY version", id.String())
	if err != nil {
		return nil, unavailable(err)
	}
	facts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (es.Recorded, error) { return l.scanFact(row) })
	return facts, unavailable(err)
}

// Position is a place in the log: the transaction that appended a fact, and the fact's place in it. The zero
// Position lies before the first fact.
type Position struct {
	TransactionID uint64
	Position      int64
}

// Follow reads up to limit facts after a position, in the order of positions, and returns the position to go
// on from. It never skips a fact that commits later: it stays below the oldest transaction that is under way
// anywhere on the server, because such a transaction may still append with its lower id.
func (l *Log) Follow(ctx context.Context, after Position, limit int) ([]es.Recorded, Position, error) {
	rows, err := l.Pool.Query(ctx, `
SELECT `+factColumns+`, transaction_id, position
FROM events
WHERE (transaction_id, position) > ($1::xid8, $2::bigint)
  AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY transaction_id, position
LIMIT $3`, after.TransactionID, after.Position, limit)
	if err != nil {
		return nil, after, unavailable(err)
	}
	facts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (es.Recorded, error) {
		return l.scanFact(row, &after.TransactionID, &after.Position)
	})
	return facts, after, unavailable(err)
}

func (l *Log) scanFact(row pgx.CollectableRow, more ...any) (es.Recorded, error) {
	var f es.Recorded
	var stream, kind string
	var data []byte
	var at time.Time
	err := row.Scan(append([]any{&f.ID, &stream, &f.Version, &kind, &data, &at, &f.CorrelationID, &f.CausationID, &f.TraceParent}, more...)...)
	if err != nil {
		return f, err
	}
	f.At = at.UTC()
	parts := strings.SplitN(stream, "/", 3)
	category, known := category{}, false
	if len(parts) == 3 {
		f.Stream = es.StreamID{Tenant: parts[0], Category: parts[1], ID: parts[2]}
		category, known = l.categories[f.Stream.Category]
	}
	if !known {
		return f, fmt.Errorf("stream %q: no such category", stream)
	}
	f.Event, err = category.Decode(kind, data)
	return f, err
}
