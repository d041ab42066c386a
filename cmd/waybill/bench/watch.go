package bench

import (
	"context"
	"fmt"
	"time"

	"waybill.dev/cmd/waybill/client"
)

const (
	// watchInterval is how often the list of orders is read. The figures do not depend on it: times are taken from
	// the orders' own histories.
	watchInterval = 150 * time.Millisecond
	watchPage     = 100
)

// watch reads the list of orders, newest first, until every order has ended. One reading serves all that are open.
func (l *load) watch(ctx context.Context) error {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := l.look(ctx); err != nil {
			return fmt.Errorf("list orders: %w", err)
		}
		l.mu.Lock()
		done, open, idle := l.completed+len(l.failures) >= l.Orders, len(l.open), time.Since(l.ended)
		l.mu.Unlock()
		if done {
			return nil
		}
		if open > 0 && idle > l.Patience {
			return nil // what is open is told by the report
		}
	}
}

// look settles the open orders that have ended, page by page until the oldest open one has been passed.
func (l *load) look(ctx context.Context) error {
	oldest, any := l.oldest()
	if !any {
		return nil
	}
	cursor := ""
	for {
		page, err := l.shop.Orders(ctx, client.OrderFilter{Limit: watchPage, Cursor: cursor})
		if err != nil {
			return err
		}
		l.mu.Lock()
		passed := false
		for _, o := range page.Items {
			if _, open := l.open[o.ID]; open && (o.Status == client.StatusCompleted || o.Status == client.StatusCancelled) {
				l.settle(o.ID, o.Status)
			}
			passed = passed || o.PlacedAt.Before(oldest)
		}
		l.mu.Unlock()
		if cursor = page.NextCursor; cursor == "" || passed {
			return nil
		}
	}
}

// oldest is when the first of the open orders was placed. The list is sorted by that time; ids, which are drawn a moment
// later, may stand in another order.
func (l *load) oldest() (at time.Time, any bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.open {
		if !any || o.placedAt.Before(at) {
			at, any = o.placedAt, true
		}
	}
	return at, any
}
