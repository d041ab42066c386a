package eventlog_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/pgtest"
)

// Writers that commit in another order than they began in, some held open for long, and a reader that follows
// all the while: it sees every committed fact once, in the order of positions.
func TestFollowNeverSkips(t *testing.T) {
	t.Parallel()
	pool := pgtest.PoolOn(t, pgtest.Server(t), service, nil) // the horizon is the whole server's: none but ours
	log := start(t, pool)
	const writers, each = 12, 25
	done := make(chan struct{})
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			random := rand.New(rand.NewPCG(3, uint64(w)))
			for i := range each {
				if err := appendSlowly(pool, fmt.Sprintf("default/account/%d-%d", w, i), random); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	go func() { writing.Wait(); close(done) }()

	seen := map[string]int{}
	var at eventlog.Position
	drained := func() bool {
		for {
			facts, next, err := log.Follow(t.Context(), at, 7)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range facts {
				seen[f.Stream.String()]++
			}
			if len(facts) == 0 {
				return true
			}
			if next.TransactionID < at.TransactionID || next.TransactionID == at.TransactionID && next.Position <= at.Position {
				t.Fatalf("from %v back to %v", at, next)
			}
			at = next
		}
	}
	for {
		drained()
		select {
		case <-done:
		default:
			continue
		}
		break
	}
	waitFor(t, func() bool { return drained() && len(seen) == writers*each })
	for stream, n := range seen {
		if n != 1 {
			t.Errorf("%s was seen %d times", stream, n)
		}
	}
}

// appendSlowly takes its transaction id, and its position, long before it commits; one in five gives up.
func appendSlowly(pool *pgxpool.Pool, stream string, random *rand.Rand) error {
	for {
		tx, err := pool.Begin(context.Background())
		if err != nil {
			return err
		}
		if _, err := tx.Exec(context.Background(), `
INSERT INTO events (stream, version, id, kind, data, at, correlation_id, causation_id, trace_parent)
VALUES ($1, 1, gen_random_uuid(), 'account.moved', '{"by":1}', now(), '', '', '')`, stream); err != nil {
			return err
		}
		// The time between append and commit is what the test is about, not a wait for something.
		<-time.After(time.Duration(random.IntN(8000)) * time.Microsecond)
		if random.IntN(5) == 0 {
			if err := tx.Rollback(context.Background()); err != nil {
				return err
			}
			continue
		}
		return tx.Commit(context.Background())
	}
}
