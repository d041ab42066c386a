package messaging

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Resend sends again, in order, the rows of the outbox that were written since a time, have been sent, and are
// still kept. It moves no offset, so that it may run beside the relay. It says how many it has sent, also where it
// fails half-way.
func Resend(ctx context.Context, pool *pgxpool.Pool, brokers []string, prefix string, since time.Time) (int, error) {
	p := newProducer(brokers, prefix)
	defer p.disconnect()
	// Rows that were never sent are left to the relay: sent from here, one might come before an older one that was
	// written before the time.
	until, err := sentUntil(ctx, pool)
	if err != nil {
		return 0, err
	}
	resent := 0
	var at position
	for {
		rows, err := readSent(ctx, pool, at, until, since, 1000)
		if err != nil || len(rows) == 0 {
			return resent, err
		}
		refused, err := p.send(ctx, rows)
		if err != nil {
			return resent, fmt.Errorf("resend: %w", err)
		}
		resent += len(rows) - len(refused)
		at = rows[len(rows)-1].position
	}
}
