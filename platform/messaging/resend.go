package messaging

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/contracts"
)

// Resent is what became of rows that were sent again.
type Resent struct {
	// Sent is how many Kafka has.
	Sent int
	// Refused are those that it refused, as it did before: they are among the parked messages.
	Refused []Refused
}

// Refused is a row that Kafka refuses for good.
type Refused struct {
	// MessageID is empty where the row cannot be read.
	MessageID string
	Topic     string
	Err       error
}

// Resend sends again, in order, the rows of the outbox that were written since a time, have been sent, and are
// still kept. It moves no offset, so that it may run beside the relay. It says what it has sent, also where it fails
// half-way.
func Resend(ctx context.Context, pool *pgxpool.Pool, brokers []string, prefix string, since time.Time) (Resent, error) {
	var resent Resent
	p := newProducer(brokers, prefix)
	defer p.disconnect()
	// Rows that were never sent are left to the relay: sent from here, one might come before an older one that was
	// written before the time.
	until, err := sentUntil(ctx, pool)
	if err != nil {
		return resent, err
	}
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
		resent.Sent += len(rows) - len(refused)
		for _, f := range refused {
			resent.Refused = append(resent.Refused, Refused{
				MessageID: f.row.headers[contracts.HeaderID], Topic: prefix + f.row.topic(), Err: f.err,
			})
		}
		at = rows[len(rows)-1].position
	}
}
