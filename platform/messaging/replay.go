package messaging

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"waybill.dev/platform/failure"
)

const (
	// replayEvery is how often a service looks for parked messages that are to be handled.
	replayEvery = 2 * time.Second
	// replaysAtOnce is of how many subjects messages are replayed at a time.
	replaysAtOnce = 8
)

// queue is what is replayed in order: the parked messages of a tenant and subject, or one message that holds up nothing.
type queue struct {
	Tenant, Subject string
	Head            uuid.UUID
	Ordered         bool
}

// dueQueues are those whose first message is to be handled: because an operator has asked for it, or because it only
// waits and nothing is before it any more, however that came about.
func dueQueues(ctx context.Context, db Database) ([]queue, error) {
	rows, err := db.Query(ctx, `SELECT tenant, subject, id, ordered FROM (
			SELECT DISTINCT ON (tenant, subject) tenant, subject, id, ordered, waiting, redrive_at, position
			FROM parked_messages WHERE state = 'parked' AND ordered ORDER BY tenant, subject, position
		) AS heads WHERE waiting OR redrive_at IS NOT NULL
		UNION ALL
		SELECT tenant, subject, id, ordered FROM parked_messages WHERE state = 'parked' AND NOT ordered AND redrive_at IS NOT NULL`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[queue])
}

// replayed is the mark of the contexts in which parked messages are handled.
type replayed struct{}

// IsReplayed says whether a handler is given a message that was parked: it waits for no others any more.
func IsReplayed(ctx context.Context) bool { return ctx.Value(replayed{}) != nil }

// replayDue handles what is to be handled of the parked messages, as long as there is any and nothing is broken off. One
// replica does so at a time. Where two do, because one was stopped and does not know, the inbox sees to it that each message is handled once.
func (c *Consumer) replayDue(ctx context.Context) error {
	due, err := dueQueues(ctx, c.Pool)
	if err != nil || len(due) == 0 {
		return err
	}
	l, err := connect(ctx, c.Pool, "parked_messages")
	if err != nil {
		return err
	}
	defer l.close()
	if led, err := l.take(ctx); err != nil || !led {
		return err
	}
	ctx, resign := context.WithCancelCause(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer resign(nil)
	beside.Go(func() { resign(l.keep(ctx)) })
	for len(due) > 0 && ctx.Err() == nil {
		whole := c.replayAll(ctx, due)
		c.count(ctx)
		if !whole {
			return nil // what is left is still due, and is seen to when it is looked for next
		}
		if due, err = dueQueues(ctx, c.Pool); err != nil {
			return err
		}
	}
	return nil
}

// replayAll handles the messages of the queues, and says whether none was broken off.
func (c *Consumer) replayAll(ctx context.Context, queues []queue) (whole bool) {
	var broken atomic.Bool
	var replaying sync.WaitGroup
	places := make(chan struct{}, replaysAtOnce)
	for _, q := range queues {
		places <- struct{}{}
		replaying.Go(func() {
			defer func() { <-places }()
			err := c.replay(ctx, q)
			if err == nil {
				return
			}
			broken.Store(true)
			if ctx.Err() == nil {
				c.Logger.WarnContext(ctx, "a redrive is broken off, and goes on later", "tenant", q.Tenant, "order", q.Subject, "error", err)
			}
		})
	}
	replaying.Wait()
	return !broken.Load()
}

// replay handles the messages of a queue, one after the other, until one of them fails or none is left.
func (c *Consumer) replay(ctx context.Context, q queue) error {
	for ctx.Err() == nil {
		var w *Whole
		var err error
		if q.Ordered {
			w, err = readWhole(ctx, c.Pool, `WHERE p.tenant = $1 AND p.subject = $2 AND p.ordered AND p.state = 'parked' ORDER BY p.position LIMIT 1`,
				q.Tenant, q.Subject)
		} else {
			w, err = readWhole(ctx, c.Pool, `WHERE p.id = $1 AND p.state = 'parked'`, q.Head)
		}
		if err != nil || w == nil || !w.Waiting && w.RedriveAt == nil {
			return err
		}
		if err := c.replayOne(ctx, *w); err != nil {
			return err
		}
	}
	return nil
}

// replayOne handles one message and notes what came of it. Where it is broken off in between, it is handled again, and
// the inbox knows. It is broken off by a transient failure, too, which is not waited out here: other queues would wait as
// well. The message stays due.
func (c *Consumer) replayOne(ctx context.Context, w Whole) error {
	if w.Origin == FromOutbox {
		return c.sendAgain(ctx, w)
	}
	retry := failure.Retry{Bug: c.Retry.Bug}
	var tries int
	var err error
	if take := c.Retake[w.Topic]; w.Origin == FromKafka {
		tries, err = retry.Do(ctx, func() error { return c.try(context.WithValue(ctx, replayed{}, true), w.metadata(), w.Value) })
	} else if take != nil {
		tries, err = retry.Do(ctx, func() (err error) {
			defer failure.Recovered(&err)
			return take(ctx, w)
		})
	} else {
		tries, err = 1, failure.As(failure.Permanent, fmt.Errorf("nothing takes what is parked of %s", w.Topic))
	}
	switch {
	case err == nil || errors.Is(err, ErrDuplicate):
		return c.end(ctx, w)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case failure.Of(err) == failure.Transient:
		return err
	}
	return c.failAgain(ctx, w, tries, err)
}

// end notes that a message has been handled. What has been discarded meanwhile stays so.
func (c *Consumer) end(ctx context.Context, w Whole) error {
	// It has happened: that is noted also where the service is being stopped.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statementTime)
	defer cancel()
	return pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE parked_messages SET state = 'redriven', redrive_at = NULL WHERE id = $1 AND state = 'parked'`, w.ID)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		c.redriven.Inc()
		c.Logger.InfoContext(ctx, "a parked message has been redriven", "tenant", w.Tenant, "order", w.Subject,
			"message_id", w.MessageID, "topic", w.Topic, "parked", w.ID)
		return act(ctx, tx, w.ID, ActionRedriven, Operator{Name: c.Group}, true)
	})
}

// failAgain keeps a message, with the new error. Those behind it wait on.
func (c *Consumer) failAgain(ctx context.Context, w Whole, tries int, reason error) error {
	return pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE parked_messages SET waiting = false, redrive_at = NULL, tries = tries + $2, error = $3, class = $4, stack = $5
			WHERE id = $1 AND state = 'parked'`, w.ID, tries, text(reason.Error()), failure.Of(reason), failure.Stack(reason))
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		c.Logger.ErrorContext(ctx, "a parked message has failed again", "tenant", w.Tenant, "order", w.Subject, "message_id", w.MessageID,
			"topic", w.Topic, "parked", w.ID, "class", failure.Of(reason), "error", reason, "stack", failure.Stack(reason))
		return act(ctx, tx, w.ID, ActionFailed, Operator{Name: c.Group, Reason: reason.Error()}, true)
	})
}

// sendAgain puts what Kafka had refused into the outbox once more. Where it is refused again it is parked again.
func (c *Consumer) sendAgain(ctx context.Context, w Whole) error {
	metadata, err := json.Marshal(w.metadata())
	if err != nil {
		return err
	}
	if raw, ok := w.Headers["metadata"]; ok && len(raw) == 1 { // it could not be read: see row.parking
		metadata = raw[0]
	}
	return pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE parked_messages SET state = 'redriven', redrive_at = NULL WHERE id = $1 AND state = 'parked'`, w.ID)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO watermill_outbox (uuid, payload, metadata, transaction_id)
			VALUES (left($1, 36), $2, $3, pg_current_xact_id())`, w.MessageID, string(w.Value), string(metadata)); err != nil {
			return err
		}
		return act(ctx, tx, w.ID, ActionRedriven, Operator{Name: c.Group, Reason: "sent once more"}, true)
	})
}

// lookAfterParked does what is to be done about parked messages.
func (c *Consumer) lookAfterParked(ctx context.Context) {
	err := errors.Join(c.tellActions(ctx), c.replayDue(ctx))
	if err != nil && ctx.Err() == nil && failure.Of(err) != failure.Transient {
		c.Logger.ErrorContext(ctx, "parked messages cannot be looked after", "error", err)
	}
}

// tellActions writes a line to the log about what operators have done.
func (c *Consumer) tellActions(ctx context.Context) error {
	rows, err := c.Pool.Query(ctx, `UPDATE parked_actions AS a SET logged = true FROM parked_messages AS p
		WHERE NOT a.logged AND p.id = a.message RETURNING a.at, a.by, a.action, a.reason, p.id, p.tenant, p.subject`)
	if err != nil {
		return err
	}
	var a Action
	var id uuid.UUID
	var tenant, subject string
	_, err = pgx.ForEachRow(rows, []any{&a.At, &a.By, &a.Action, &a.Reason, &id, &tenant, &subject}, func() error {
		c.Logger.WarnContext(ctx, "an operator has dealt with a parked message", "action", a.Action, "by", a.By, "reason", a.Reason, "at", a.At,
			"tenant", tenant, "order", subject, "parked", id)
		return nil
	})
	return err
}
