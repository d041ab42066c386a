package eventlog_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const service = "ledger"

// database is a migrated schema of the made-up service.
func database(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pgtest.Pool(t, service, nil)
}

func connect(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// start runs a log on the pool until the test ends.
func start(t testing.TB, pool *pgxpool.Pool, change ...func(*eventlog.Config)) *eventlog.Log {
	t.Helper()
	config := eventlog.Config{Service: service, Pool: pool, Categories: []es.Erased{transfers, accounts}, Publish: publish}
	for _, c := range change {
		c(&config)
	}
	log, err := eventlog.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { log.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return log
}

func request(c es.Command) eventlog.Request {
	return eventlog.Request{Command: c, Tenant: "default", At: time.Now(), Meta: es.Meta{CorrelationID: "correlation", CausationID: "cause"}}
}

func must(t testing.TB, log *eventlog.Log, r eventlog.Request) eventlog.Result {
	t.Helper()
	result, err := log.Handle(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func balance(t testing.TB, log *eventlog.Log, account string) (int64, int64) {
	t.Helper()
	id := accounts.Stream("default", account)
	states, err := log.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return accounts.State(states, id).Balance, states.Version(id)
}

func count(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) (n int64) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFactsAreAppendedFoldedAndPublished(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool)
	result := must(t, log, request(move("a", 1500)))
	if len(result.Facts) != 1 || result.Facts[0].Version != 1 {
		t.Fatalf("facts: %+v", result.Facts)
	}
	must(t, log, request(move("a", -500)))
	if got, version := balance(t, log, "a"); got != 1000 || version != 2 {
		t.Fatalf("balance %d at version %d", got, version)
	}
	history, err := log.History(t.Context(), accounts.Stream("default", "a"))
	if err != nil {
		t.Fatal(err)
	}
	if len(history) != 2 || history[0].ID != result.Facts[0].ID || history[1].Event != (moved{By: -500}) || history[1].CorrelationID != "correlation" {
		t.Fatalf("history: %+v", history)
	}

	rows, err := pool.Query(t.Context(), `SELECT metadata, payload FROM watermill_outbox ORDER BY transaction_id, "offset"`)
	if err != nil {
		t.Fatal(err)
	}
	var sent []contracts.Message
	var headers map[string]string
	var payload []byte
	if _, err := pgx.ForEachRow(rows, []any{&headers, &payload}, func() error {
		m, err := contracts.Decode(headers, payload)
		sent = append(sent, m)
		headers = nil
		return err
	}); err != nil {
		t.Fatal(err)
	}
	want := eventlog.Messages(service, history[0], publish)
	if len(want) != 2 || want[1].ID != history[0].ID+".1" {
		t.Fatalf("due: %+v", want)
	}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Fatalf("outbox (-want +got):\n%s", diff)
	}
}

func TestRefusalLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool)
	r := request(move("a", -1))
	r.Message = "message-1"
	_, err := log.Handle(t.Context(), r)
	var refusal *es.Refusal
	if !errors.As(err, &refusal) || refusal.Code != es.Conflict {
		t.Fatalf("error: %v", err)
	}
	if n := count(t, pool, "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM inbox)"); n != 0 {
		t.Fatalf("%d rows", n)
	}
}

func TestMessageIsHandledOnce(t *testing.T) {
	t.Parallel()
	pool := database(t)
	one, other := start(t, pool), start(t, pool) // two replicas
	var wait sync.WaitGroup
	var done, duplicates atomic.Int64
	for i := range 200 {
		wait.Go(func() {
			log := one
			if i%2 == 0 {
				log = other
			}
			r := request(move("a", 1))
			r.Message = fmt.Sprintf("message-%d", i/4) // four deliveries of each
			result, err := log.Handle(t.Context(), r)
			switch {
			case err != nil:
				t.Error(err)
			case result.Duplicate:
				duplicates.Add(1)
			default:
				done.Add(1)
			}
		})
	}
	wait.Wait()
	if got, _ := balance(t, one, "a"); got != 50 || done.Load() != 50 || duplicates.Load() != 150 {
		t.Fatalf("balance %d, %d done, %d duplicates", got, done.Load(), duplicates.Load())
	}
}

// Transfers between few accounts by two replicas at once: no money appears or goes, no account is overdrawn at
// any version, and nobody deadlocks for good.
func TestConcurrentCommandsOverSeveralStreams(t *testing.T) {
	t.Parallel()
	pool := database(t)
	replicas := []*eventlog.Log{start(t, pool), start(t, pool)}
	const n = 6
	for i := range n {
		must(t, replicas[0], request(move(name(i), 100)))
	}
	var wait sync.WaitGroup
	for worker := range 32 {
		wait.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(worker)))
			for i := range 20 {
				from, to := random.IntN(n), random.IntN(n)
				if from == to {
					to = (to + 1) % n
				}
				var command es.Command
				if i%5 == 0 {
					command = move(name(from), 0)
				} else {
					command = transfer(fmt.Sprintf("%d-%d", worker, i), name(from), name(to), int64(random.IntN(60)))
				}
				_, err := replicas[i%2].Handle(t.Context(), request(command))
				var refusal *es.Refusal
				if err != nil && !errors.As(err, &refusal) {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	var sum int64
	for i := range n {
		history, err := replicas[0].History(t.Context(), accounts.Stream("default", name(i)))
		if err != nil {
			t.Fatal(err)
		}
		var at int64
		for v, f := range history {
			if f.Version != int64(v+1) {
				t.Fatalf("%s: version %d stands at place %d", name(i), f.Version, v+1)
			}
			if at += f.Event.(moved).By; at < 0 {
				t.Fatalf("%s is overdrawn at version %d", name(i), f.Version)
			}
		}
		sum += at
		if got, _ := balance(t, replicas[1], name(i)); got != at {
			t.Fatalf("%s: the fold is %d, the snapshot's %d", name(i), at, got)
		}
	}
	if sum != 100*n {
		t.Fatalf("sum %d", sum)
	}
	// The order of publication is that of the versions, for every stream.
	if inverted := count(t, pool, `
SELECT count(*) FROM (
    SELECT version, lag(version) OVER (PARTITION BY stream ORDER BY transaction_id, position) AS before FROM events
) e WHERE version <> coalesce(before, 0) + 1`); inverted != 0 {
		t.Fatalf("%d inversions", inverted)
	}
}

func TestSharedCommit(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool)
	must(t, log, request(move("held", 1)))

	// While a commit waits for a stream that is locked elsewhere, others queue up behind it.
	held := holdStream(t, pool, log, "held")
	var wait sync.WaitGroup
	wait.Go(func() { must(t, log, request(move("held", 1))) })
	waitFor(t, func() bool {
		return count(t, pool, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1
	})
	for i := range 60 {
		wait.Go(func() { must(t, log, request(move(name(i), 1))) })
	}
	held()
	wait.Wait()
	commits := count(t, pool, "SELECT count(DISTINCT transaction_id) FROM events WHERE stream LIKE '%account-%'")
	if commits > 10 {
		t.Fatalf("60 commands took %d commits", commits)
	}
}

func TestOneCommandNeverFailsAnother(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool)
	bug := es.On(accounts, accounts.Stream("default", "buggy"), func(account) ([]es.Event, []es.Job, error) {
		panic("a bug in a decision")
	})
	var wait sync.WaitGroup
	for i := range 50 {
		wait.Go(func() {
			if i%10 == 0 {
				_, err := log.Handle(t.Context(), request(bug))
				if err == nil || errors.Is(err, eventlog.ErrUnavailable) {
					t.Errorf("the bug's error: %v", err)
				}
				return
			}
			untilAvailable(t, log, request(move(name(i), 1)))
		})
	}
	wait.Wait()
	if n := count(t, pool, "SELECT count(*) FROM events"); n != 45 {
		t.Fatalf("%d facts", n)
	}
}

// A table that is missing after the service has begun is the matter of the command that needs it: those that share its
// commit, again and again, succeed at once.
func TestAMissingTableFailsNobodyElse(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool, func(c *eventlog.Config) {
		c.Project = func(b *pgx.Batch, changes []eventlog.Change) {
			for _, change := range changes {
				if change.Stream.ID == "projected" {
					b.Queue("INSERT INTO missing (id) VALUES (1)")
				}
			}
		}
	})
	var missing atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var wait, others sync.WaitGroup
	for range 5 {
		wait.Go(func() {
			for ctx.Err() == nil {
				if _, err := log.Handle(ctx, request(move("projected", 1))); !errors.Is(err, eventlog.ErrUnavailable) {
					t.Errorf("what is missing may be made: %v", err)
				}
				missing.Add(1)
			}
		})
	}
	for i := range 50 {
		others.Go(func() { must(t, log, request(move(name(i), 1))) })
	}
	others.Wait()
	stop()
	wait.Wait()
	if n := count(t, pool, "SELECT count(*) FROM events"); n != 50 || missing.Load() == 0 {
		t.Fatalf("%d facts, and %d failures", n, missing.Load())
	}
}

// untilAvailable asks again as long as the log says that it may.
func untilAvailable(t testing.TB, log *eventlog.Log, r eventlog.Request) {
	t.Helper()
	waitFor(t, func() bool {
		_, err := log.Handle(t.Context(), r)
		if err != nil && !errors.Is(err, eventlog.ErrUnavailable) {
			t.Error(err)
		}
		return err == nil || t.Failed()
	})
}

// A stream that somebody holds makes its own commands wait, and no others for long.
func TestHeldStreamHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool)
	held := holdStream(t, pool, log, "held")
	var wait sync.WaitGroup
	for range 20 { // more than may wait singly
		wait.Go(func() { untilAvailable(t, log, request(move("held", 1))) })
	}
	var others sync.WaitGroup
	for i := range 40 {
		others.Go(func() { untilAvailable(t, log, request(move(name(i), 1))) })
	}
	others.Wait()
	if n := count(t, pool, "SELECT count(*) FROM events WHERE stream = 'default/account/held'"); n != 0 {
		t.Fatalf("%d facts in a stream that is held", n)
	}
	held()
	wait.Wait()
	if got, _ := balance(t, log, "held"); got != 20 {
		t.Fatalf("balance %d", got)
	}
}

func TestHotStreamIsSnapshotted(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool)
	for range 250 {
		must(t, log, request(move("hot", 2)))
	}
	if v := count(t, pool, "SELECT version FROM snapshots"); v != 200 {
		t.Fatalf("snapshot at version %d", v)
	}
	if got, version := balance(t, log, "hot"); got != 500 || version != 250 {
		t.Fatalf("balance %d at version %d", got, version)
	}
	if got, version := balance(t, start(t, pool), "hot"); got != 500 || version != 250 {
		t.Fatalf("from the snapshot: balance %d at version %d", got, version)
	}
	// A snapshot of another revision of the fold is not read.
	revised := accounts
	revised.Revision = 2
	other := start(t, pool, func(c *eventlog.Config) { c.Categories = []es.Erased{transfers, revised} })
	if got, version := balance(t, other, "hot"); got != 500 || version != 250 {
		t.Fatalf("after a revision: balance %d at version %d", got, version)
	}
}

func TestHistoryCannotBeChanged(t *testing.T) {
	t.Parallel()
	access := pgtest.Service(t, service, nil)
	pool, owner := connect(t, access.ServiceURL), connect(t, access.OwnerURL)
	log := start(t, pool)
	r := request(move("a", 1))
	r.Message = "message-1"
	must(t, log, r)
	for _, table := range []string{"events", "streams", "inbox"} {
		for _, change := range []string{"DELETE FROM %s", "TRUNCATE %s", "UPDATE %s SET " + map[string]string{"events": "version = 7", "streams": "id = 'x'", "inbox": "message_id = 'x'"}[table]} {
			sql := fmt.Sprintf(change, table)
			for role, p := range map[string]*pgxpool.Pool{"service": pool, "owner": owner} {
				if _, err := p.Exec(t.Context(), sql); err == nil {
					t.Errorf("%s may %q", role, sql)
				}
			}
		}
	}
	if n := count(t, pool, "SELECT count(*) FROM events"); n != 1 {
		t.Fatalf("%d facts are left", n)
	}
}

func TestLostRaceIsRunAgain(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool)
	must(t, log, request(move("a", 10)))
	// Somebody who takes no locks appends between load and append, once.
	var raced atomic.Bool
	command := es.On(accounts, accounts.Stream("default", "a"), func(a account) ([]es.Event, []es.Job, error) {
		if raced.CompareAndSwap(false, true) {
			if _, err := pool.Exec(context.Background(), `
INSERT INTO events (stream, version, id, kind, data, at, correlation_id, causation_id, trace_parent)
VALUES ('default/account/a', 2, gen_random_uuid(), 'account.moved', '{"by":5}', now(), '', '', '')`); err != nil {
				t.Error(err)
			}
		}
		return []es.Event{moved{By: a.Balance}}, nil, nil
	})
	must(t, log, request(command))
	if got, version := balance(t, log, "a"); got != 30 || version != 3 {
		t.Fatalf("balance %d at version %d", got, version)
	}
}

func keyed(c es.Command, key, body string) eventlog.Request {
	r := request(c)
	r.Idempotency = &eventlog.Idempotency{Method: "POST", Path: "/v1/moves", Key: key, BodySHA256: sha256.Sum256([]byte(body))}
	r.Respond = func(s es.States) (eventlog.Response, error) {
		body, err := json.Marshal(accounts.State(s, accounts.Stream("default", "a")))
		return eventlog.Response{Status: 201, Headers: map[string]string{"Location": "/v1/moves/1"}, Body: body}, err
	}
	return r
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool)
	first := must(t, log, keyed(move("a", 5), "k", "body"))
	must(t, log, request(move("a", 5)))
	again := must(t, start(t, pool), keyed(move("a", 5), "k", "body"))
	if !again.Replayed || again.Response.Status != 201 || string(again.Response.Body) != string(first.Response.Body) || again.Response.Headers["Location"] != "/v1/moves/1" {
		t.Fatalf("replay: %+v, first: %+v", again, first)
	}
	if _, err := log.Handle(t.Context(), keyed(move("a", 5), "k", "another body")); !errors.Is(err, eventlog.ErrKeyReused) {
		t.Fatalf("another body: %v", err)
	}
	// Keys and messages are looked up also where no stream is concerned.
	for _, replayed := range []bool{false, true} {
		if r := must(t, log, keyed(es.Nothing(), "nothing", "body")); r.Replayed != replayed {
			t.Fatalf("a command without streams: replayed %t, want %t", r.Replayed, replayed)
		}
		if r := must(t, log, eventlog.Request{Command: es.Nothing(), Tenant: "default", Message: "nothing"}); r.Duplicate != replayed {
			t.Fatalf("a message without streams: duplicate %t, want %t", r.Duplicate, replayed)
		}
	}
	// A refusal is not kept: the same key may succeed later.
	var refusal *es.Refusal
	if _, err := log.Handle(t.Context(), keyed(move("a", -100), "later", "body")); !errors.As(err, &refusal) {
		t.Fatalf("refusal: %v", err)
	}
	must(t, log, request(move("a", 100)))
	if r := must(t, log, keyed(move("a", -100), "later", "body")); r.Replayed {
		t.Fatal("the refusal was kept")
	}
	// Of many at once under one key, one runs.
	var wait sync.WaitGroup
	var ran atomic.Int64
	for range 40 {
		wait.Go(func() {
			if r := must(t, log, keyed(move("a", 1), "many", "body")); !r.Replayed {
				ran.Add(1)
			}
		})
	}
	wait.Wait()
	if ran.Load() != 1 {
		t.Fatalf("%d ran", ran.Load())
	}
	if got, _ := balance(t, log, "a"); got != 11 {
		t.Fatalf("balance %d", got)
	}
}

func TestRequestUnderWay(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := start(t, pool)
	// The first request's stream is locked elsewhere, so it holds its key and waits.
	held := holdStream(t, pool, log, "a")
	first := make(chan error, 1)
	go func() {
		_, err := log.Handle(context.Background(), keyed(move("a", 1), "k", "body"))
		first <- err
	}()
	waitFor(t, func() bool {
		return count(t, pool, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1
	})
	_, err := log.Handle(t.Context(), keyed(move("a", 1), "k", "body"))
	if !errors.Is(err, eventlog.ErrUnderWay) {
		t.Errorf("the second: %v", err)
	}
	held()
	if err := <-first; err != nil {
		t.Errorf("the first: %v", err)
	}
}

// holdStream locks an account's stream in a session of its own, as another replica would.
func holdStream(t testing.TB, pool *pgxpool.Pool, log *eventlog.Log, account string) (release func()) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// A holder is a transaction that does nothing: it would be ended as idle.
	if _, err := tx.Exec(t.Context(), "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT pg_advisory_xact_lock($1)", eventlog.StreamLock(log, accounts.Stream("default", account))); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	release = func() { once.Do(func() { _ = tx.Rollback(context.Background()) }) }
	t.Cleanup(release)
	return release
}

func waitFor(t testing.TB, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatal("what was waited for did not come")
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func TestDurableJobsAreInTheCommit(t *testing.T) {
	t.Parallel()
	pool := database(t)
	var jobs []eventlog.Job
	failing := errors.New("no jobs today")
	log := start(t, pool, func(c *eventlog.Config) {
		c.InsertJobs = func(_ context.Context, _ pgx.Tx, j []eventlog.Job) error {
			if jobs = append(jobs, j...); len(jobs) > 1 {
				return failing
			}
			return nil
		}
	})
	command := func(name string) es.Command {
		return es.On(accounts, accounts.Stream("default", name), func(account) ([]es.Event, []es.Job, error) {
			return []es.Event{moved{By: 1}}, []es.Job{post{Account: name}}, nil
		})
	}
	result := must(t, log, request(command("a")))
	want := eventlog.Job{Args: post{Account: "a"}, Tenant: "default", Subject: "a", Meta: es.Meta{CorrelationID: "correlation", CausationID: result.Facts[0].ID}}
	if diff := cmp.Diff([]eventlog.Job{want}, jobs); diff != "" {
		t.Fatalf("jobs (-want +got):\n%s", diff)
	}
	if _, err := log.Handle(t.Context(), request(command("b"))); !errors.Is(err, failing) {
		t.Fatalf("error: %v", err)
	}
	if _, version := balance(t, log, "b"); version != 0 {
		t.Fatal("facts without their job")
	}
}

type post struct{ Account string }

func (post) Kind() string { return "post" }

func TestPostgresAway(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	pool := pgtest.PoolOn(t, server, service, nil)
	log := start(t, pool)
	must(t, log, request(move("a", 1)))
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Handle(t.Context(), request(move("a", 1))); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Fatalf("while it is away: %v", err)
	}
	if _, err := log.Load(t.Context(), accounts.Stream("default", "a")); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Fatalf("a read while it is away: %v", err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		_, err := log.Handle(t.Context(), request(move("a", 1)))
		return err == nil
	})
}

// A fold, a publication or an answer that panics is an error of its own command, and of nobody else's.
func TestPanicsAreTheirCommandsErrors(t *testing.T) {
	t.Parallel()
	pool := database(t)
	folds := accounts
	folds.Evolve = func(a account, e es.Event) account {
		if m, ok := e.(moved); ok && m.By == 13 {
			panic("a bug in a fold")
		}
		return accounts.Evolve(a, e)
	}
	log := start(t, pool, func(c *eventlog.Config) {
		c.Categories = []es.Erased{transfers, folds}
		c.Publish = func(f es.Recorded) []contracts.Event {
			if m, ok := f.Event.(moved); ok && m.By == 14 {
				panic("a bug in a publication")
			}
			return publish(f)
		}
	})
	answers := request(move("answer", 15))
	answers.Respond = func(es.States) (eventlog.Response, error) { panic("a bug in an answer") }
	var wait sync.WaitGroup
	for i := range 30 {
		wait.Go(func() { must(t, log, request(move(name(i), 1))) })
	}
	for _, r := range []eventlog.Request{request(move("fold", 13)), request(move("publication", 14)), answers} {
		wait.Go(func() {
			if _, err := log.Handle(t.Context(), r); err == nil || errors.Is(err, eventlog.ErrUnavailable) {
				t.Errorf("the bug's error: %v", err)
			}
		})
	}
	wait.Wait()
	if n := count(t, pool, "SELECT count(*) FROM events"); n != 30 {
		t.Fatalf("%d facts", n)
	}
	// A stream that cannot be folded is an error of whoever reads it.
	if _, err := pool.Exec(t.Context(), `
INSERT INTO events (stream, version, id, kind, data, at, correlation_id, causation_id, trace_parent)
VALUES ('default/account/fold', 1, gen_random_uuid(), 'account.moved', '{"by":13}', now(), '', '', '')`); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		wait.Go(func() {
			_, err := log.Load(t.Context(), accounts.Stream("default", name(i)))
			if err != nil {
				t.Error(err)
			}
			if _, err := log.Load(t.Context(), accounts.Stream("default", "fold")); err == nil {
				t.Error("a stream that cannot be folded was read")
			}
		})
	}
	wait.Wait()
}
