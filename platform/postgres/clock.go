package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// querier is a connection, a transaction, or a pool of connections.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Now is what time it is by PostgreSQL's clock, which all replicas share.
func Now(ctx context.Context, db querier) (now time.Time, err error) {
	err = db.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now)
	return now, err
}
