package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Now is what time it is by PostgreSQL's clock, which all replicas share. It is asked over a connection or a pool of them.
func Now(ctx context.Context, database interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}) (now time.Time, err error) {
	err = database.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now)
	return now, err
}
