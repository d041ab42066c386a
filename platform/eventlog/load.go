package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"waybill.dev/platform/es"
	"waybill.dev/platform/failure"
)

// lockAndLoad locks the streams that the members are about and loads them, category by category, so that
// every transaction takes its locks in the same order. Where the states of one category lead a command to
// streams of a later one, these are locked and loaded with the others of theirs. Members that would take the
// transaction over its bound of locks are left.
func (t *transaction) lockAndLoad(ctx context.Context, members []*member) error {
	wanted := map[es.StreamID]bool{}
	for _, m := range members {
		for _, id := range m.Command.Streams {
			if _, ok := t.log.categories[id.Category]; !ok {
				return fmt.Errorf("stream %s: no such category", id)
			}
			wanted[id] = true
		}
	}
	first := true
	for rank := range t.log.Categories {
		var ids []es.StreamID
		for id := range wanted {
			if t.log.categories[id.Category].rank == rank {
				ids = append(ids, id)
			}
		}
		last := rank == len(t.log.Categories)-1
		if len(ids) == 0 && (!first || !last) { // messages and keys are looked up also where no stream is concerned
			continue
		}
		if err := t.lockAndLoadCategory(ctx, members, ids, first); err != nil {
			return err
		}
		if first {
			if err := t.decideOld(ctx, members); err != nil {
				return err
			}
		}
		first = false
		t.leaveLocked(members)
		if last {
			break
		}
		if err := t.discover(members, rank, wanted); err != nil {
			return err
		}
	}
	return nil
}

// discover asks the members whose streams are all loaded where these lead them, and adds it to what is wanted.
func (t *transaction) discover(members []*member, rank int, wanted map[es.StreamID]bool) error {
	keys := len(t.keyLocks(members))
	for i, m := range members {
		if m.left || t.isOver(m.Request) || !t.states.HasAll(m.Command.Streams) {
			continue
		}
		decision, err := decide(m.Command, t.states)
		if err != nil {
			continue // it is told when the command is run
		}
		for _, id := range decision.Need {
			if c, ok := t.log.categories[id.Category]; !ok || c.rank <= rank && !t.states.Has(id) {
				return fmt.Errorf("a decision needs stream %s, whose category is not locked later", id)
			}
		}
		if i > 0 && t.shared && len(wanted)+keys+len(decision.Need) > sharedLocks {
			m.left = true
			continue
		}
		m.need = append(m.need, decision.Need...)
		for _, id := range decision.Need {
			wanted[id] = true
		}
	}
	return nil
}

// lockAndLoadCategory is one round trip: the locks, each statement with a snapshot of its own after them, and
// with the first category what is known of the messages and the idempotency keys.
func (t *transaction) lockAndLoadCategory(ctx context.Context, members []*member, ids []es.StreamID, first bool) error {
	b := &pgx.Batch{}
	if first {
		t.queueLocks(b, keyWait, t.keyLocks(members), ErrUnderWay)
	}
	t.queueLocks(b, streamWait, t.log.lockKeys(ids), nil)
	t.log.queueLoad(b, t.states, ids)
	if first {
		t.queueInbox(b, members)
		t.queueOld(b, members)
		t.queueKeys(b, members)
	}
	return t.tx.SendBatch(ctx, b).Close()
}

// queueLocks takes advisory locks, which need no transaction id, in the order of their keys. A shared transaction
// notes those that somebody else holds; any other waits for them, and fails as timedOut where that takes too long.
func (t *transaction) queueLocks(b *pgx.Batch, wait time.Duration, keys []int64, timedOut error) {
	if len(keys) == 0 {
		return
	}
	if t.shared {
		b.Queue("SELECT key FROM unnest($1::bigint[]) key WHERE NOT pg_try_advisory_xact_lock(key)", keys).Query(func(rows pgx.Rows) error {
			var key int64
			_, err := pgx.ForEachRow(rows, []any{&key}, func() error {
				t.elsewhere[key] = true
				return nil
			})
			return err
		})
		return
	}
	b.Queue("SELECT set_config('lock_timeout', $1, true)", strconv.FormatInt(wait.Milliseconds(), 10))
	b.Queue("SELECT count(pg_advisory_xact_lock(key)) FROM unnest($1::bigint[]) key", keys).QueryRow(func(row pgx.Row) error {
		var n int64
		err := row.Scan(&n)
		if timedOut != nil && lockTimedOut(err) {
			return fmt.Errorf("%w: %w", timedOut, err)
		}
		return err
	})
}

// leaveLocked leaves the members that are about something which somebody else has locked.
func (t *transaction) leaveLocked(members []*member) {
	if len(t.elsewhere) == 0 {
		return
	}
	for _, m := range members {
		m.left = m.left || slices.ContainsFunc(t.keyLocks([]*member{m}), t.isElsewhere) ||
			slices.ContainsFunc(t.log.lockKeys(slices.Concat(m.Command.Streams, m.need)), t.isElsewhere)
	}
}

func (t *transaction) isElsewhere(key int64) bool { return t.elsewhere[key] }

// lockKeys are the streams' lock keys, sorted: colliding names must not be locked in different orders.
func (l *Log) lockKeys(ids []es.StreamID) []int64 {
	keys := make([]int64, 0, len(ids))
	for _, id := range ids {
		keys = append(keys, l.lockKey("stream", id.String()))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// lockKey is 64 bits of a name. Advisory locks belong to the database, which services may share: so the
// service's name is part of it.
func (l *Log) lockKey(parts ...string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(l.Service))
	for _, p := range parts {
		_, _ = h.Write([]byte{0})
		_, _ = h.Write([]byte(p))
	}
	return int64(h.Sum64())
}

// loadStreams reads, for each wanted stream, the fact at the known version without its data, and the facts after it.
// Where no version is known it reads the snapshot (a row without a kind) and the facts after that. It is one statement,
// so that all are of the same moment.
const loadStreams = `
WITH wanted AS (
    SELECT stream, revision, known, n
    FROM unnest($1::text[], $2::int[], $3::bigint[]) WITH ORDINALITY AS w (stream, revision, known, n)
), snapshot AS (
    SELECT w.n, s.version, s.state FROM wanted w JOIN snapshots s ON s.stream = w.stream AND s.revision = w.revision
    WHERE w.known = 0
)
SELECT n, version, '00000000-0000-0000-0000-000000000000'::uuid AS id, '' AS kind, state AS data FROM snapshot
UNION ALL
SELECT w.n, e.version, e.id, e.kind, e.data
FROM wanted w
LEFT JOIN snapshot s ON s.n = w.n
CROSS JOIN LATERAL (
    SELECT version, id, kind, CASE WHEN version <> w.known THEN data END AS data FROM events
    WHERE stream = w.stream AND version >= coalesce(s.version + 1, w.known)
    ORDER BY version
    OFFSET 0
) e
ORDER BY n, version`

// queueLoad folds the streams into states when the batch is read, from what is remembered of them on.
func (l *Log) queueLoad(b *pgx.Batch, states es.States, ids []es.StreamID) {
	slices.SortFunc(ids, func(a, b es.StreamID) int { return cmp.Compare(a.String(), b.String()) })
	ids = slices.Compact(ids)
	names := make([]string, len(ids))
	revisions := make([]int, len(ids))
	known := make([]int64, len(ids))
	remembered := make([]cached, len(ids))
	for i, id := range ids {
		names[i] = id.String()
		_, revisions[i] = l.categories[id.Category].SnapshotPolicy()
		remembered[i] = l.cache.recall(id)
		known[i] = remembered[i].version
		states.Empty(id, l.categories[id.Category])
	}
	b.Queue(loadStreams, names, revisions, known).Query(func(rows pgx.Rows) error {
		last := make([][16]byte, len(ids))
		var n, version int64
		var fact [16]byte
		var kind string
		var data []byte
		_, err := pgx.ForEachRow(rows, []any{&n, &version, &fact, &kind, &data}, func() (err error) {
			defer failure.Recovered(&err) // here, because the connection must be read to the end of the batch
			i := n - 1
			id := ids[i]
			last[i] = fact
			switch {
			case kind == "":
				return states.Restore(id, version, data)
			case version == known[i] && fact == remembered[i].last:
				states.Resume(id, remembered[i].state, version)
				return nil
			case states.Version(id) < known[i]:
				return nil // it does not follow upon what is remembered: see below
			}
			event, err := l.categories[id.Category].Decode(kind, data)
			if err != nil {
				return err
			}
			got, err := states.Apply(id, event)
			if err == nil && got != version {
				err = fmt.Errorf("stream %s: version %d stands where %d was expected", id, version, got)
			}
			return err
		})
		if err != nil {
			return err
		}
		for i, id := range ids {
			state, version := states.At(id)
			switch {
			case version < known[i]:
				l.cache.forget(id)
				err = fmt.Errorf("stream %s does not hold what was read before: %w", id, errLostRace)
			case last[i] != [16]byte{}:
				l.cache.remember(id, state, version, last[i])
			}
		}
		return err
	})
}

// unavailable is the error of a read: whatever PostgreSQL cannot answer now may be asked again.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return callersError(classify(err))
}

// lockTimedOut says whether the error is a lock that was waited for in vain.
func lockTimedOut(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "55P03"
}
