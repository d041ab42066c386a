package shipping

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/failure"
	"waybill.dev/platform/outside"
	"waybill.dev/platform/server"
	"waybill.dev/services/shipping/carrier"
	"waybill.dev/services/shipping/shipment"
)

// projectOpenParcels keeps the parcels that are to be polled: each that a commit has changed is due after a while
// again, or is no longer open.
func projectOpenParcels(after time.Duration) func(*pgx.Batch, []eventlog.Change) {
	return func(b *pgx.Batch, changes []eventlog.Change) {
		var open, closed struct{ tenants, orders []string }
		var bookings []string
		for _, c := range changes {
			s := shipment.Category.State(c.States, c.Stream)
			switch {
			case s.IsOpen():
				open.tenants, open.orders = append(open.tenants, c.Stream.Tenant), append(open.orders, c.Stream.ID)
				bookings = append(bookings, s.Booking.ID)
			case s.IsBooked():
				closed.tenants, closed.orders = append(closed.tenants, c.Stream.Tenant), append(closed.orders, c.Stream.ID)
			}
		}
		if len(open.orders) > 0 {
			b.Queue(`
INSERT INTO open_parcels (tenant, order_id, booking_id, next_poll_at, polls)
SELECT *, now() + $4::interval, 0 FROM unnest($1::text[], $2::text[], $3::text[])
ON CONFLICT (tenant, order_id) DO UPDATE SET next_poll_at = excluded.next_poll_at, polls = 0`,
				open.tenants, open.orders, bookings, after)
		}
		if len(closed.orders) > 0 {
			b.Queue(`
DELETE FROM open_parcels WHERE (tenant, order_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
				closed.tenants, closed.orders)
		}
	}
}

const (
	// pollBatch is how many parcels are taken from the table at a time, pollAtOnce how many of them are looked up
	// at a time.
	pollBatch  = 100
	pollAtOnce = 8
	// maxDoublings bounds the pause between two look-ups of a parcel: 64 times the first.
	maxDoublings = 6
)

// openParcel is a row of open_parcels.
type openParcel struct{ Tenant, Order, Booking string }

// poll finds out what lost webhooks did not say. Any number of replicas may poll: a parcel is taken by one of them.
func poll(system *outside.System, c carrier.Carrier, after time.Duration) func(context.Context, *server.App) error {
	look := min(max(after/4, 50*time.Millisecond), 3*time.Second)
	return func(ctx context.Context, app *server.App) error {
		ticker := time.NewTicker(look)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
			if err := pollDue(ctx, app, system, c, after); err != nil {
				return err
			}
		}
	}
}

// pollDue looks up what is due. While the carrier is left alone no parcel is taken: it would be put off for a look-up that
// is not made.
func pollDue(ctx context.Context, app *server.App, system *outside.System, c carrier.Carrier, after time.Duration) error {
	for ctx.Err() == nil {
		parcels, err := takeDue(ctx, app.Pool, after, system.Allows(pollBatch))
		if err != nil {
			return fmt.Errorf("read the parcels that are due: %w", err)
		}
		if err := putBack(ctx, app.Pool, lookUp(ctx, app, c, parcels)); err != nil {
			return fmt.Errorf("put back the parcels that were not looked up: %w", err)
		}
		if len(parcels) < pollBatch {
			break
		}
	}
	return nil
}

// takeDue takes parcels that are due, and moves each on to when it is due next, so that no other replica takes it and
// no transaction is open while the carrier is asked. A look-up that comes to nothing is made up for then.
//
// Only PostgreSQL's clock counts, which all replicas share: one whose own is ahead would put parcels off by as much.
func takeDue(ctx context.Context, pool *pgxpool.Pool, after time.Duration, limit int) ([]openParcel, error) {
	rows, err := pool.Query(ctx, `
WITH due AS (
	SELECT tenant, order_id FROM open_parcels WHERE next_poll_at <= now()
	ORDER BY next_poll_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE open_parcels p
SET polls = p.polls + 1, next_poll_at = now() + $2::interval * power(2, least(p.polls + 1, $3::int))
FROM due WHERE p.tenant = due.tenant AND p.order_id = due.order_id
RETURNING p.tenant, p.order_id, p.booking_id`, limit, after, maxDoublings)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[openParcel])
}

// putBack makes parcels due again that were taken and not asked for. One that a fact has changed since is due by that.
func putBack(ctx context.Context, pool *pgxpool.Pool, parcels []openParcel) error {
	if len(parcels) == 0 {
		return nil
	}
	var tenants, orders []string
	for _, p := range parcels {
		tenants, orders = append(tenants, p.Tenant), append(orders, p.Order)
	}
	_, err := pool.Exec(ctx, `
UPDATE open_parcels SET polls = polls - 1, next_poll_at = now()
WHERE (tenant, order_id) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND polls > 0`, tenants, orders)
	return err
}

// lookUp asks the carrier for each of the parcels, a few at a time, and returns those that it was not asked for, because
// it is left alone since they were taken.
func lookUp(ctx context.Context, app *server.App, c carrier.Carrier, parcels []openParcel) (notAsked []openParcel) {
	var looking sync.WaitGroup
	var mu sync.Mutex
	places := make(chan struct{}, pollAtOnce)
	for _, p := range parcels {
		places <- struct{}{}
		looking.Go(func() {
			defer func() { <-places }()
			err := find(ctx, app, c, p)
			var leftAlone *outside.NotAskedError
			switch {
			case err == nil || ctx.Err() != nil:
			case errors.As(err, &leftAlone):
				mu.Lock()
				notAsked = append(notAsked, p)
				mu.Unlock()
			case failure.Of(err) == failure.Transient:
				app.Logger.DebugContext(ctx, "a parcel could not be looked up, and is again later", "tenant", p.Tenant, "order", p.Order, "error", err)
			default:
				app.Logger.ErrorContext(ctx, "what the carrier says of a parcel cannot be taken", "tenant", p.Tenant, "order", p.Order, "error", err)
			}
		})
	}
	looking.Wait()
	return notAsked
}

func find(ctx context.Context, app *server.App, c carrier.Carrier, p openParcel) error {
	report, err := c.Find(ctx, p.Booking)
	if err != nil || report.State == shipment.StateBooked {
		return err // nothing new
	}
	cause := "poll:" + p.Booking
	err = take(ctx, app, p.Tenant, p.Order, report, cause, "")
	var contradiction *es.Refusal
	if errors.As(err, &contradiction) {
		return park(ctx, app, p.Tenant, p.Order, report, cause+":"+string(report.State), contradiction)
	}
	return err
}
