package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Now is what time it is by PostgreSQL's clock, which all replicas share.
func Now(ctx context.Context, pool *pgxpool.Pool) (now time.Time, err error) {
	err = pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now)
	return now, err
}
