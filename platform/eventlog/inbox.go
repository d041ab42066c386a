package eventlog

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"waybill.dev/platform/failure"
)

// ErrUndecided says that the message is older than the inbox remembers, and that no fact in the streams of its command
// names it as its cause: whether it was handled before cannot be known, so that it is not.
var ErrUndecided = failure.As(failure.Permanent,
	errors.New("the message is older than the inbox is kept, and no fact tells whether it was handled"))

// queueOld finds out which of the messages are older than what the inbox still knows. It is asked after the inbox: what
// is swept between the two statements counts as old.
func (t *transaction) queueOld(b *pgx.Batch, members []*member) {
	var ids, topics []string
	var times []time.Time
	for _, m := range members {
		if m.Message != "" && m.Topic != "" {
			ids, topics, times = append(ids, m.Message), append(topics, m.Topic), append(times, m.Said)
		}
	}
	if len(ids) == 0 {
		return
	}
	b.Queue(`
SELECT m.id FROM unnest($1::text[], $2::text[], $3::timestamptz[]) m (id, topic, said)
JOIN inbox_swept s ON s.topic = m.topic WHERE m.said < s.until`, ids, topics, times).Query(func(rows pgx.Rows) error {
		var id string
		_, err := pgx.ForEachRow(rows, []any{&id}, func() error {
			if !t.handled[id] {
				t.undecided[id] = true
			}
			return nil
		})
		return err
	})
}

// decideOld looks for old messages among the causes of the facts in their commands' streams.
func (t *transaction) decideOld(ctx context.Context, members []*member) error {
	if len(t.undecided) == 0 {
		return nil
	}
	var ids, streams []string
	for _, m := range members {
		if !t.undecided[m.Message] {
			continue
		}
		for _, id := range m.Command.Streams {
			ids, streams = append(ids, m.Message), append(streams, id.String())
		}
	}
	rows, err := t.tx.Query(ctx, `
SELECT id FROM unnest($1::text[], $2::text[]) m (id, stream)
WHERE EXISTS (SELECT FROM events e WHERE e.stream = m.stream AND e.causation_id = m.id)`, ids, streams)
	if err != nil {
		return err
	}
	var id string
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		t.handled[id] = true
		delete(t.undecided, id)
		return nil
	})
	return err
}

// sweepRows bounds the rows that one statement of a sweep deletes.
const sweepRows = 1000

// NoteTopics notes what is heard: from the next sweep on, old messages of these topics are no longer the inbox's. Those of
// a topic that was not noted by then are, however old they are: none of them can have been handled before.
func (l *Log) NoteTopics(ctx context.Context, topics []string) error {
	_, err := l.Pool.Exec(ctx, "SELECT sweep_inbox('-infinity', $1, 0)", topics)
	return unavailable(err)
}

// SweepInbox forgets the messages that were handled longer ago than keep, and returns how many. From then on a message
// of the topics whose own time is before that is decided by the facts that name it as their cause. It is for the caller
// to know that nothing of that age is still to be read.
func (l *Log) SweepInbox(ctx context.Context, keep time.Duration, topics []string) (int64, error) {
	// Each statement moves the time along with the rows that it deletes.
	return sweep(func() (swept int64, err error) {
		err = l.Pool.QueryRow(ctx, "SELECT sweep_inbox(now() - $1::interval, $2, $3)", keep, topics, sweepRows).Scan(&swept)
		return swept, err
	})
}

// sweep deletes until a statement finds less than it might have deleted.
func sweep(some func() (int64, error)) (all int64, err error) {
	for n := int64(sweepRows); n >= sweepRows && err == nil; all += n {
		n, err = some()
	}
	return all, unavailable(err)
}
