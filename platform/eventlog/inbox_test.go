package eventlog_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
)

const topic = "commerce.orders.order-placed"

// message asks for what a message is about, and names it as the cause.
func message(c es.Command, id string, said time.Time) eventlog.Request {
	r := request(c)
	r.Message, r.Said, r.Topic, r.Meta.CausationID = id, said, topic, id
	return r
}

func sweep(t *testing.T, log *eventlog.Log, keep time.Duration, want int64) {
	t.Helper()
	if got, err := log.SweepInbox(t.Context(), keep, []string{topic}); err != nil || got != want {
		t.Fatalf("%d messages were swept, want %d: %v", got, want, err)
	}
}

// nothing is a command on an account that comes to no fact.
func nothing(account string) es.Command {
	return es.Command{Streams: []es.StreamID{accounts.Stream("default", account)}, Decide: func(es.States) (es.Decision, error) {
		return es.Decision{}, nil
	}}
}

// What the inbox has forgotten is told by the facts, and where these cannot tell, nothing is done. What is younger is
// the inbox's, as before.
func TestOldMessagesAreDecidedByTheirFacts(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool)
	long, now := time.Now().Add(-100*24*time.Hour), time.Now()
	must(t, log, message(move("a", 1), "with a fact", long))
	must(t, log, message(nothing("a"), "without a fact", long))
	must(t, log, message(nothing("a"), "ahead of the time", now.Add(time.Hour)))
	if _, err := log.Handle(t.Context(), message(nothing("a"), "young", time.Now())); err != nil {
		t.Fatal(err)
	}
	sweep(t, log, time.Hour, 0)
	sweep(t, log, 0, 3)
	sweep(t, log, 0, 0)

	handle := func(r eventlog.Request) error {
		result, err := log.Handle(t.Context(), r)
		if err == nil && !result.Duplicate && len(result.Facts) == 0 {
			t.Errorf("%s came to nothing", r.Message)
		}
		if err == nil && result.Duplicate {
			err = errDuplicate
		}
		return err
	}
	unasked, other := message(move("a", 1), "not asked for its age", long), message(move("a", 1), "of a new topic", long)
	unasked.Topic, other.Topic = "", "never heard before"
	replayed, known := message(move("a", 1), "without a fact", long), message(move("a", 1), "with a fact", long)
	replayed.Replayed, known.Replayed = true, true
	for range 2 {
		for _, test := range []struct {
			request eventlog.Request
			want    error
		}{
			{message(move("a", 1), "with a fact", long), errDuplicate},
			{message(move("a", 1), "without a fact", long), eventlog.ErrUndecided},
			{message(move("a", 1), "never heard", long), eventlog.ErrUndecided},
			{message(move("b", 1), "with a fact", long), eventlog.ErrUndecided}, // that fact is in another stream
			{message(move("a", 1), "ahead of the time", now.Add(time.Hour)), errDuplicate},
		} {
			if err := handle(test.request); !errors.Is(err, test.want) {
				t.Errorf("%s of %s: %v, want %v", test.request.Message, test.request.Said, err, test.want)
			}
		}
	}
	if err := handle(known); !errors.Is(err, errDuplicate) {
		t.Errorf("what has a fact, replayed: %v", err)
	}
	for _, r := range []eventlog.Request{message(move("a", 1), "new", time.Now()), unasked, other, replayed} {
		if err := handle(r); err != nil {
			t.Errorf("%s: %v", r.Message, err)
		}
		if err := handle(r); !errors.Is(err, errDuplicate) {
			t.Errorf("%s again: %v", r.Message, err)
		}
	}
	if got, _ := balance(t, log, "a"); got != 5 {
		t.Errorf("balance %d", got)
	}
}

var errDuplicate = errors.New("it had been handled")

// The inbox is swept all the while messages come, by two replicas at once and again later: each is handled once or, where
// that can no longer be told, not at all. The account's facts tell of every second message only.
func TestSweepingMeanwhileHandlesNothingTwice(t *testing.T) {
	t.Parallel()
	pool := database(t)
	replicas := []*eventlog.Log{start(t, pool), start(t, pool)}
	const workers, each, keep = 8, 60, 30 * time.Millisecond
	done := make(chan struct{})
	var sweeping sync.WaitGroup
	sweeping.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if _, err := replicas[0].SweepInbox(t.Context(), keep, []string{topic}); err != nil {
					t.Error(err)
				}
			}
		}
	})
	var mu sync.Mutex
	effects, undecided := map[string]int{}, 0
	handle := func(log *eventlog.Log, id string, said time.Time, command es.Command) {
		for {
			result, err := log.Handle(t.Context(), message(command, id, said))
			if errors.Is(err, eventlog.ErrUnavailable) {
				continue
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, eventlog.ErrUndecided):
				undecided++
			case err != nil:
				t.Error(err)
			case !result.Duplicate:
				effects[id]++
			}
			return
		}
	}
	var working sync.WaitGroup
	for worker := range workers {
		working.Go(func() {
			var told []func()
			for i := range each {
				id, said := fmt.Sprintf("%d %d", worker, i), time.Now().Add(-time.Duration(i%4)*keep/2)
				command := move(name(worker), 1)
				if i%2 == 0 {
					command = nothing(name(worker))
				}
				var both sync.WaitGroup
				for _, log := range replicas {
					told = append(told, func() { handle(log, id, said, command) })
					both.Go(told[len(told)-1])
				}
				both.Wait()
				told[i/2]() // one of long ago
			}
		})
	}
	working.Wait()
	close(done)
	sweeping.Wait()
	for id, n := range effects {
		if n != 1 {
			t.Errorf("message %s had %d effects", id, n)
		}
	}
	if len(effects) < workers*each/4 || undecided == 0 {
		t.Errorf("%d messages had an effect, %d tries were undecided", len(effects), undecided)
	}
}

// A sweep of more than one statement can take keeps to its bound, and to its age.
func TestSweepsAreBoundedAndComplete(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool)
	fill(t, pool, `INSERT INTO inbox SELECT i::text, now() - interval '40 days' FROM generate_series(1, 2500) i`,
		`INSERT INTO inbox SELECT 'young ' || i, now() - interval '20 days' FROM generate_series(1, 10) i`,
		`INSERT INTO idempotency_keys SELECT 't', 'POST', '/x', i::text, '', 200, '{}', '', now() - interval '8 days' FROM generate_series(1, 2500) i`,
		`INSERT INTO idempotency_keys SELECT 't', 'POST', '/x', 'young ' || i, '', 200, '{}', '', now() FROM generate_series(1, 10) i`)
	if n := count(t, pool, `SELECT sweep_inbox(now() - interval '30 days', '{a}', 100)`); n != 100 {
		t.Errorf("%d messages were swept, want 100", n)
	}
	sweep(t, log, 30*24*time.Hour, 2400)
	if n, err := log.SweepIdempotencyKeys(t.Context()); err != nil || n != 2500 {
		t.Errorf("%d keys were swept: %v", n, err)
	}
	if inbox, keys := count(t, pool, `SELECT count(*) FROM inbox`), count(t, pool, `SELECT count(*) FROM idempotency_keys`); inbox != 10 || keys != 10 {
		t.Errorf("%d messages and %d keys are left", inbox, keys)
	}
}

func fill(t *testing.T, pool *pgxpool.Pool, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := pool.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

// A replica of the version before sweeps on while the next one hears a topic more, whose old messages are still to be
// handled. In time it moves that topic too.
func TestASweepLeavesTopicsThatAreNewToOthers(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool)
	fill(t, pool, `INSERT INTO inbox VALUES ('old', now() - interval '40 days')`)
	for _, topics := range [][]string{{topic}, {topic, "new"}} {
		if err := log.NoteTopics(t.Context(), topics); err != nil {
			t.Fatal(err)
		}
	}
	sweep(t, log, 30*24*time.Hour, 1)
	r := message(move("a", 1), "of the new topic", time.Now().Add(-35*24*time.Hour))
	r.Topic = "new"
	if result, err := log.Handle(t.Context(), r); err != nil || len(result.Facts) != 1 {
		t.Errorf("%d facts, %v", len(result.Facts), err)
	}
	sweep(t, log, 0, 1)
	if n := count(t, pool, `SELECT count(*) FROM inbox_swept WHERE until > now() - interval '1 hour'`); n != 2 {
		t.Errorf("%d topics were moved, want 2", n)
	}
}
