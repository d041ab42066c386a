package orders

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/eventlog"
	"waybill.dev/services/orders/order"
)

// row is an order in the table of all orders.
type row struct {
	ID         string
	CustomerID string
	Status     order.Status
	Attention  string
	Total      order.Money
	PlacedAt   time.Time
	UpdatedAt  time.Time
	// NextStep and DueAt are what the order waits for, and until when; nil where it waits for nothing that has a time.
	NextStep *order.Step
	DueAt    *time.Time
}

// projectOrders writes the row of each order that a commit changed, as it is after the commit, in one statement. An
// order that was heard of and never placed has none.
func projectOrders(b *pgx.Batch, changes []eventlog.Change) {
	var tenants, ids, customers, statuses, attentions, currencies []string
	var amounts []int64
	var placed, updated []time.Time
	var steps []*string
	var dues []*time.Time
	for _, c := range changes {
		o := order.Category.State(c.States, c.Stream)
		if o.Placed == nil || len(c.Facts) == 0 {
			continue
		}
		tenants, ids = append(tenants, c.Stream.Tenant), append(ids, c.Stream.ID)
		customers = append(customers, o.Placed.Customer.ID)
		statuses, attentions = append(statuses, string(o.Status())), append(attentions, o.Attention())
		amounts, currencies = append(amounts, o.Placed.Total.Amount), append(currencies, o.Placed.Total.Currency)
		placed, updated = append(placed, o.Placed.PlacedAt), append(updated, c.Facts[len(c.Facts)-1].At)
		var step *string
		var due *time.Time
		if e, waits := o.Expects(); waits {
			step, due = (*string)(&e.Step), &e.Due
		}
		steps, dues = append(steps, step), append(dues, due)
	}
	if len(ids) == 0 {
		return
	}
	b.Queue(`
INSERT INTO orders (tenant, id, customer_id, status, attention, total_amount, total_currency, placed_at, updated_at, next_step, due_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
                     $8::timestamptz[], $9::timestamptz[], $10::text[], $11::timestamptz[])
ON CONFLICT (tenant, id) DO UPDATE SET status = excluded.status, attention = excluded.attention,
    updated_at = excluded.updated_at, next_step = excluded.next_step, due_at = excluded.due_at`,
		tenants, ids, customers, statuses, attentions, amounts, currencies, placed, updated, steps, dues)
}

// filter narrows the list; what is empty does not.
type filter struct {
	Tenant   string
	Status   string
	Customer string
	// Attention and Overdue choose orders that are so, or that are not.
	Attention, Overdue *bool
	// At is what "overdue" is measured by.
	At time.Time
}

// byDue says whether the list is that of the overdue orders, which has an order of its own.
func (f filter) byDue() bool { return f.Overdue != nil && *f.Overdue }

// place is where a page of the list ends: the key of its last row.
type place struct {
	PlacedAt time.Time `json:"placedAt"`
	ID       string    `json:"id"`
}

// duePlace is where a page of the overdue orders ends.
type duePlace struct {
	DueAt time.Time `json:"dueAt"`
	ID    string    `json:"id"`
}

// list is up to limit orders behind a place, newest first; of the overdue ones, the longest overdue first. The place is
// a place or a duePlace, or nil.
func list(ctx context.Context, pool *pgxpool.Pool, f filter, after any, limit int) ([]row, error) {
	sql, args := listQuery(f, after, limit)
	rows, err := pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (row, error) {
		var o row
		err := r.Scan(&o.ID, &o.CustomerID, &o.Status, &o.Attention, &o.Total.Amount, &o.Total.Currency, &o.PlacedAt, &o.UpdatedAt,
			&o.NextStep, &o.DueAt)
		return o, err
	})
}

// listQuery is the list's statement. Only the conditions that are asked for stand in it, so that each has its own plan,
// along its own index.
func listQuery(f filter, after any, limit int) (string, []any) {
	where, args := []string{"tenant = $1"}, []any{f.Tenant}
	and := func(condition string, values ...any) {
		numbers := make([]any, len(values))
		for i, v := range values {
			args = append(args, v)
			numbers[i] = len(args)
		}
		where = append(where, fmt.Sprintf(condition, numbers...))
	}
	if f.Status != "" {
		and("status = $%d", f.Status)
	}
	if f.Customer != "" {
		and("customer_id = $%d", f.Customer)
	}
	switch {
	case f.Attention == nil:
	case *f.Attention:
		and("attention <> ''")
	default:
		and("attention = ''")
	}
	sort := "placed_at DESC, id DESC"
	switch {
	case f.Overdue == nil:
	case *f.Overdue:
		and("due_at <= $%d", f.At)
		sort = "due_at, id"
	default:
		and("(due_at IS NULL OR due_at > $%d)", f.At)
	}
	switch after := after.(type) {
	case place:
		and("(placed_at, id) < ($%d, $%d)", after.PlacedAt, after.ID)
	case duePlace:
		and("(due_at, id) > ($%d, $%d)", after.DueAt, after.ID)
	}
	args = append(args, limit)
	return fmt.Sprintf(`
SELECT id, customer_id, status, attention, total_amount, total_currency, placed_at, updated_at, next_step, due_at
FROM orders WHERE %s ORDER BY %s LIMIT $%d`, strings.Join(where, " AND "), sort, len(args)), args
}

// overdue is an order that waited for a step, and until when.
type overdue struct {
	Tenant, ID string
	Step       order.Step
	Due        time.Time
}

const nextOverdue = `
SELECT tenant, id, next_step, due_at FROM orders
WHERE due_at <= $1 AND due_at >= $2 AND (due_at, tenant, id) > ($2, $3, $4)
  AND NOT EXISTS (SELECT FROM parked_messages p WHERE p.tenant = orders.tenant AND p.subject = orders.id AND p.state = 'parked' AND p.ordered)
ORDER BY due_at, tenant, id LIMIT $5`

// overdueBy are the orders behind another whose step was due by a time, the longest overdue first. Behind the zero
// value are all. Those that have parked messages are not judged until these are dealt with, and are left out.
func overdueBy(ctx context.Context, pool *pgxpool.Pool, by time.Time, behind overdue, limit int) ([]overdue, error) {
	rows, err := pool.Query(ctx, nextOverdue, by, behind.Due, behind.Tenant, behind.ID, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[overdue])
}
