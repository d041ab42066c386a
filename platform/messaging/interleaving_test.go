package messaging

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"waybill.dev/contracts"
)

// However the steps of several replicas' transactions are interleaved (locked, written, committed or rolled back, the
// connection killed), with messages and idempotency keys repeated, and whenever readers look: each reader sees the
// facts of a stream as 1, 2, 3, … without a gap, an inversion or a repeat, and in the end all of them; a message has
// its effect once, and a key has one answer.
func TestReadersFollowAnyInterleaving(t *testing.T) {
	t.Parallel()
	w := newWorld(t, readOutbox)
	rapid.Check(t, func(r *rapid.T) {
		if err := w.play(t.Context(), interleavings.Draw(r, "steps")); err != nil {
			r.Fatal(err)
		}
	})
	if w.facts == 0 || w.duplicates == 0 || w.replayed == 0 || w.blocked == 0 || w.failed == 0 {
		t.Errorf("%d facts, %d duplicates, %d replayed answers, %d times a writer waited for another, %d failed commands: the interleavings are too tame",
			w.facts, w.duplicates, w.replayed, w.blocked, w.failed)
	}
}

// The property sees each of the mistakes that the reading and the order of locking are made to avoid.
func TestInterleavingsCatchMistakes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		read   readRows
		change func(*pgxpool.Config)
	}{
		"reading by the number alone": {read: func(ctx context.Context, db session, after position, limit int) ([]row, error) {
			return queryOutbox(ctx, db, `SELECT transaction_id, "offset", uuid, payload, metadata FROM watermill_outbox
				WHERE "offset" > $1 ORDER BY "offset" LIMIT $2`, after.offset, limit)
		}},
		"reading without the horizon": {read: func(ctx context.Context, db session, after position, limit int) ([]row, error) {
			return queryOutbox(ctx, db, `SELECT transaction_id, "offset", uuid, payload, metadata FROM watermill_outbox
				WHERE (transaction_id, "offset") > ($1, $2) ORDER BY transaction_id, "offset" LIMIT $3`, after.transaction, after.offset, limit)
		}},
		"writing before locking": {read: readOutbox, change: writesFirst},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, test.read, test.change)
			const tries = 400
			for seed := range tries {
				var wrong *wrongOrder
				err := w.play(t.Context(), interleavings.Example(seed))
				if errors.As(err, &wrong) {
					t.Logf("caught by interleaving %d: %v", seed, err)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			t.Errorf("not caught by %d interleavings", tries)
		})
	}
}

// step is one step of an interleaving. What it asks of a writer that cannot do it now is left out.
type step struct {
	What    string
	Writer  int
	Streams []int
	Message int // 0 is none
	Key     int // 0 is none
	Limit   int
}

const (
	gated   = 3 // writers that stop between lock, write and commit
	streams = 3
)

var interleavings = rapid.SliceOfN(rapid.Custom(func(r *rapid.T) step {
	s := step{What: rapid.SampledFrom([]string{"begin", "begin", "go on", "go on", "go on", "go on", "fail", "kill", "burst", "read", "read"}).Draw(r, "what")}
	switch s.What {
	case "read":
		s.Limit = rapid.IntRange(1, 4).Draw(r, "limit")
	case "burst":
		s.Streams = rapid.SliceOfN(rapid.IntRange(0, streams-1), 1, 4).Draw(r, "streams")
	case "begin":
		s.Streams = rapid.SliceOfNDistinct(rapid.IntRange(0, streams-1), 1, 2, rapid.ID).Draw(r, "streams")
		s.Message = rapid.IntRange(0, 4).Draw(r, "message")
		s.Key = rapid.IntRange(0, 4).Draw(r, "key")
	}
	s.Writer = rapid.IntRange(0, gated-1).Draw(r, "writer")
	return s
}), 8, 48)

// play runs one interleaving in a tenant of its own, and checks what the readers see on the way and in the end.
func (w *world) play(ctx context.Context, steps []step) error {
	w.begin(ctx)
	for i, s := range steps {
		if err := w.step(ctx, s); err != nil {
			return errors.Join(fmt.Errorf("step %d, %+v: %w", i, s, err), w.finish(ctx))
		}
	}
	if err := w.finish(ctx); err != nil {
		return err
	}
	return w.checkEnd(ctx)
}

func (w *world) step(ctx context.Context, s step) error {
	writer := w.writers[s.Writer]
	switch s.What {
	case "begin":
		if writer.outstanding > 0 {
			return nil
		}
		w.submit(ctx, writer, s.Streams, s.Message, s.Key, true)
	case "burst":
		if w.free.outstanding > 0 {
			return nil
		}
		for _, n := range s.Streams {
			w.submit(ctx, w.free, []int{n}, 0, 0, false)
		}
	case "go on", "fail":
		if writer.at == nil {
			return nil
		}
		writer.leaveGate(s.What == "go on")
	case "kill":
		if writer.at == nil {
			return nil
		}
		if _, err := w.admin.Exec(ctx, `SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE application_name = $1`, writer.name); err != nil {
			return err
		}
		writer.leaveGate(true)
	case "read":
		return w.read(ctx, s.Limit)
	}
	return w.settle(ctx)
}

// read lets each reader look once.
func (w *world) read(ctx context.Context, limit int) error {
	rows, err := w.readRows(ctx, w.pool, w.sent, limit)
	if err != nil {
		return err
	}
	for _, r := range rows {
		w.sent = r.position
		m, err := contracts.Decode(r.headers, r.payload)
		if err != nil {
			return err
		}
		if err := w.outbox.see(m.Subject, m.Sequence, m.ID); err != nil {
			return fmt.Errorf("the outbox: %w", err)
		}
	}
	facts, at, err := w.free.log.Follow(ctx, w.followed, limit)
	if err != nil {
		return err
	}
	w.followed = at
	for _, f := range facts {
		if err := w.follower.see(f.Stream.ID, f.Version, f.ID); err != nil {
			return fmt.Errorf("the log: %w", err)
		}
	}
	for n := range streams {
		history, err := w.free.log.History(ctx, w.stream(n))
		if err != nil {
			return err
		}
		var all seen
		for _, f := range history {
			if err := all.see(f.Stream.ID, f.Version, f.ID); err != nil {
				return fmt.Errorf("a stream: %w", err)
			}
		}
		before, now := w.streams[w.stream(n).ID], all[w.stream(n).ID]
		if len(now) < len(before) || !slices.Equal(before, now[:len(before)]) {
			return fmt.Errorf("a stream: %w", &wrongOrder{fmt.Sprintf("%v was read, and then %v", before, now)})
		}
		if len(now) > 0 {
			w.streams[w.stream(n).ID] = now
		}
	}
	return nil
}

// checkEnd reads to the end and compares with what was committed and answered.
func (w *world) checkEnd(ctx context.Context) error {
	rows, err := w.pool.Query(ctx, `SELECT stream, id::text, causation_id FROM events WHERE stream LIKE $1 || '/%' ORDER BY stream, version`, w.tenant)
	if err != nil {
		return err
	}
	committed := seen{}
	effects := map[string]map[string]bool{} // by message: the streams that have its fact
	var stream, id, cause string
	if _, err := pgx.ForEachRow(rows, []any{&stream, &id, &cause}, func() error {
		name := stream[len(w.tenant)+len("/note/"):]
		committed[name] = append(committed[name], id)
		if effects[cause] == nil {
			effects[cause] = map[string]bool{}
		}
		if cause != "" && effects[cause][name] {
			return &wrongOrder{fmt.Sprintf("message %s had its effect on %s twice", cause, name)}
		}
		effects[cause][name] = true
		return nil
	}); err != nil {
		return err
	}
	// Everything is visible as soon as no transaction is left on the server that began before.
	for begin := time.Now(); w.outbox.total() < committed.total() || w.follower.total() < committed.total(); {
		before := w.outbox.total() + w.follower.total()
		if err := w.read(ctx, 3); err != nil {
			return err
		}
		if w.outbox.total()+w.follower.total() == before && w.nothingRuns(ctx) && time.Since(begin) > time.Second {
			break
		}
	}
	for what, got := range map[string]seen{"the outbox": w.outbox, "the log": w.follower, "the streams": w.streams} {
		if !got.equal(committed) {
			return fmt.Errorf("%s: %w", what, &wrongOrder{fmt.Sprintf("seen %v, committed %v", got, committed)})
		}
	}
	return w.checkAnswers(committed)
}
