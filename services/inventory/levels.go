package inventory

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/eventlog"
	"waybill.dev/services/inventory/stock"
)

// level is a row of stock_levels, the stock of every SKU that was ever received.
type level struct {
	SKU   string
	Stock stock.Stock
}

// projectLevels writes the stock of each SKU that a commit changed, as it is after the commit, in one statement.
func projectLevels(b *pgx.Batch, changes []eventlog.Change) {
	var tenants, skus []string
	var onHand, reserved []int64
	stocks := stock.Stocks
	for _, c := range changes {
		if c.Stream.Category != stocks.Name {
			continue
		}
		s := stocks.State(c.States, c.Stream)
		tenants, skus = append(tenants, c.Stream.Tenant), append(skus, c.Stream.ID)
		onHand, reserved = append(onHand, s.OnHand), append(reserved, s.Reserved)
	}
	if len(skus) == 0 {
		return
	}
	b.Queue(`
INSERT INTO stock_levels (tenant, sku, on_hand, reserved)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
ON CONFLICT (tenant, sku) DO UPDATE SET on_hand = excluded.on_hand, reserved = excluded.reserved`,
		tenants, skus, onHand, reserved)
}

// levelOf is the tenant's stock of a SKU, and false where nothing of it was ever received.
func levelOf(ctx context.Context, pool *pgxpool.Pool, tenant, sku string) (level, bool, error) {
	rows, err := pool.Query(ctx, "SELECT sku, on_hand, reserved FROM stock_levels WHERE tenant = $1 AND sku = $2", tenant, sku)
	if err != nil {
		return level{}, false, err
	}
	l, err := pgx.CollectExactlyOneRow(rows, scanLevel)
	if errors.Is(err, pgx.ErrNoRows) {
		return level{}, false, nil
	}
	return l, err == nil, err
}

// levelsAfter are up to limit of the tenant's SKUs behind one, in the order of their bytes.
func levelsAfter(ctx context.Context, pool *pgxpool.Pool, tenant, sku string, limit int) ([]level, error) {
	rows, err := pool.Query(ctx, `
SELECT sku, on_hand, reserved FROM stock_levels
WHERE tenant = $1 AND sku > $2
ORDER BY sku LIMIT $3`, tenant, sku, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanLevel)
}

func scanLevel(row pgx.CollectableRow) (level, error) {
	var l level
	err := row.Scan(&l.SKU, &l.Stock.OnHand, &l.Stock.Reserved)
	return l, err
}
