package messaging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/contracts"
)

// Operator is who does something about parked messages, and why.
type Operator struct {
	Name   string
	Reason string
}

// act writes down what was done about a message.
func act(ctx context.Context, db Database, id uuid.UUID, kind ActionKind, by Operator, logged bool) error {
	_, err := db.Exec(ctx, `INSERT INTO parked_actions (message, by, action, reason, logged) VALUES ($1, $2, $3, $4, $5)`,
		id, text(by.Name), kind, text(by.Reason), logged)
	return err
}

// Redrive asks for the messages to be handled again, by the service that has parked them, whenever it runs. It gives the
// ids of those that it is asked for: a message that waits for others cannot be handled before them, so that these are
// asked for too.
func Redrive(ctx context.Context, pool *pgxpool.Pool, ids []uuid.UUID, by Operator) (asked []uuid.UUID, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `UPDATE parked_messages AS p SET redrive_at = clock_timestamp()
			WHERE p.state = 'parked' AND NOT p.waiting AND (p.id = ANY($1) OR p.ordered AND EXISTS (
				SELECT FROM parked_messages AS behind WHERE behind.id = ANY($1) AND behind.state = 'parked' AND behind.ordered
					AND behind.tenant = p.tenant AND behind.subject = p.subject AND behind.position > p.position))
			RETURNING p.id`, ids)
		if err != nil {
			return err
		}
		if asked, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err != nil {
			return err
		}
		for _, id := range asked {
			if err := act(ctx, tx, id, ActionRedrive, by, false); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("redrive: %w", err)
	}
	return asked, nil
}

var (
	// ErrWaits says that a message has not failed: what it waits for may be discarded, not the message.
	ErrWaits = errors.New("it has not failed, and only waits for what is parked before it")
	// ErrEnded says that a message is not parked any more.
	ErrEnded = errors.New("it has been redriven or discarded")
	// ErrHandled says that a message has been handled meanwhile, and is about to be noted as redriven.
	ErrHandled = errors.New("it has been handled meanwhile; redrive it to have that noted")
	// ErrAsked says that a redrive is asked for of a message that may be taken at this moment, which nothing here would tell.
	ErrAsked = errors.New("its redrive has been asked for and is under way; wait until it has ended")
	// ErrNoReason says that nobody discards a message without a reason.
	ErrNoReason = errors.New("a reason is needed")
)

// Discard gives a message up: it is kept, and never handled, also where Kafka hands it out again. What waits for it goes
// on by itself.
func Discard(ctx context.Context, pool *pgxpool.Pool, id uuid.UUID, by Operator) error {
	if by.Reason == "" {
		return ErrNoReason
	}
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		w, err := readWhole(ctx, tx, "WHERE p.id = $1 FOR UPDATE", id)
		switch {
		case err != nil:
			return err
		case w == nil:
			return ErrNotParked
		case w.State != StateParked:
			return ErrEnded
		case w.Waiting:
			return ErrWaits
		case w.Origin == FromOutside && w.RedriveAt != nil:
			return ErrAsked
		}
		// Where the service is handling it at this moment, one of both finds that the other was first.
		claimed, err := claimDiscarded(ctx, tx, *w)
		if err != nil {
			return err
		}
		if !claimed {
			return ErrHandled
		}
		if _, err := tx.Exec(ctx, `UPDATE parked_messages SET state = 'discarded', redrive_at = NULL WHERE id = $1`, id); err != nil {
			return err
		}
		return act(ctx, tx, id, ActionDiscarded, by, false)
	})
	if err != nil {
		return fmt.Errorf("discard: %w", err)
	}
	return nil
}

// claimDiscarded takes the message's id in the inbox, as its handling would, and says whether nothing has handled it. The
// id is that of the header, also where the rest cannot be read: another version, which can, is kept from it as well.
func claimDiscarded(ctx context.Context, tx pgx.Tx, w Whole) (bool, error) {
	if w.Origin != FromKafka || w.MessageID == "" {
		return true, nil
	}
	metadata := w.metadata()
	said, _ := time.Parse(time.RFC3339Nano, metadata[contracts.HeaderTime]) // where it does not tell, the present counts
	tag, err := tx.Exec(ctx, `INSERT INTO inbox (message_id, handled_at) VALUES ($1, greatest(now(), $2)) ON CONFLICT DO NOTHING`, w.MessageID, said)
	if err != nil || tag.RowsAffected() == 1 {
		return err == nil, err
	}
	// What cannot be read, and is not being redriven, was not what was handled, but another message of the same id.
	_, unreadable := contracts.Decode(metadata, w.Value)
	return unreadable != nil && w.RedriveAt == nil, nil
}
