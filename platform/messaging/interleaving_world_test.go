package messaging

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
)

// noted is the one fact of the made-up service; each is published.
type noted struct{}

func (noted) Kind() string { return "note.noted" }

// hold is the job that each command asks for, so that the log comes by InsertJobs before it commits.
type hold struct{}

func (hold) Kind() string { return "hold" }

var notes = es.Category[int, es.Event]{
	Name: "note", Kinds: []es.Kind{es.KindOf[noted]()},
	Evolve: func(n int, _ es.Event) int { return n + 1 },
}

var errRolledBack = errors.New("the transaction is rolled back, as the interleaving says")

type readRows func(ctx context.Context, db session, after position, limit int) ([]row, error)

// world is a database with some replicas' logs, and readers that follow.
type world struct {
	admin    *pgx.Conn
	pool     *pgxpool.Pool
	readRows readRows
	writers  []*writer
	free     *writer // never stops on the way

	// Of one interleaving.
	number   int
	tenant   string
	sent     position
	followed eventlog.Position
	outbox   seen
	follower seen
	streams  seen
	answers  []answer

	// Of all.
	facts, duplicates, replayed, blocked, failed int
}

// writer is a replica. It stops at gates: when a command has locked and loaded, and when it has written.
type writer struct {
	name        string
	log         *eventlog.Log
	gate        chan chan bool
	at          chan bool // the gate where it stands; nil where it does not
	done        chan answer
	outstanding int
}

// answer is what a command came to.
type answer struct {
	message, key string
	result       eventlog.Result
	err          error
}

func newWorld(t *testing.T, read readRows, changes ...func(*pgxpool.Config)) *world {
	t.Helper()
	const service = "notes"
	server := pgtest.Server(t) // the horizon is the whole server's: none but ours
	access, err := postgres.Provision(t.Context(), server.URL("postgres"), service)
	if err != nil {
		t.Fatal(err)
	}
	if err := postgres.Migrate(t.Context(), access[service].OwnerURL, service, nil); err != nil {
		t.Fatal(err)
	}
	w := &world{readRows: read}
	if w.admin, err = pgx.Connect(t.Context(), server.URL("postgres")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.admin.Close(context.Background()) })
	open := func(writer *writer) *pgxpool.Pool {
		base, err := postgres.Open(t.Context(), access[service].ServiceURL, postgres.Options{Service: service})
		if err != nil {
			t.Fatal(err)
		}
		base.Close()
		config := base.Config()
		config.ConnConfig.RuntimeParams["application_name"] = writer.name
		config.ConnConfig.Tracer = nil
		for _, change := range changes {
			if change != nil && writer.name == "writer 0" {
				change(config)
			}
		}
		if tracer, ok := config.ConnConfig.Tracer.(*idFirst); ok {
			tracer.pass = writer.pass
		}
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}
	for n := range gated {
		writer := newWriter(fmt.Sprintf("writer %d", n))
		writer.start(t, service, open(writer))
		w.writers = append(w.writers, writer)
	}
	w.free = newWriter("free")
	w.pool = open(w.free)
	w.free.start(t, service, w.pool)
	return w
}

func newWriter(name string) *writer {
	return &writer{name: name, gate: make(chan chan bool, 1), done: make(chan answer, 8)}
}

func (w *writer) start(t *testing.T, service string, pool *pgxpool.Pool) {
	t.Helper()
	log, err := eventlog.New(eventlog.Config{
		Service: service, Pool: pool, Categories: []es.Erased{notes},
		Publish: func(es.Recorded) []contracts.Event { return []contracts.Event{contracts.StockReleased{}} },
		InsertJobs: func(context.Context, pgx.Tx, []eventlog.Job) error {
			if !w.pass() {
				return errRolledBack
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.log = log
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { log.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
}

// pass waits at a gate until the interleaving lets it go on; false is to fail.
func (w *writer) pass() bool {
	goOn := make(chan bool)
	w.gate <- goOn
	return <-goOn
}

func (w *writer) leaveGate(goOn bool) {
	w.at <- goOn
	w.at = nil
}

// idFirst is the mistake of writing before locking: the transaction has its id from its beginning.
type idFirst struct{ pass func() bool }

// statementKey is where a statement's context holds its text.
type statementKey struct{}

func (*idFirst) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, statementKey{}, data.SQL)
}

func (f *idFirst) TraceQueryEnd(ctx context.Context, conn *pgx.Conn, _ pgx.TraceQueryEndData) {
	if ctx.Value(statementKey{}) == "begin" {
		_, _ = conn.Exec(context.WithoutCancel(ctx), "SELECT pg_current_xact_id()")
		f.pass()
	}
}

func writesFirst(c *pgxpool.Config) { c.ConnConfig.Tracer = &idFirst{} }

// begin makes ready for an interleaving, in a tenant of its own, after what was there before.
func (w *world) begin(ctx context.Context) {
	w.number++
	w.tenant = fmt.Sprintf("t%d", w.number)
	w.outbox, w.follower, w.streams, w.answers = seen{}, seen{}, seen{}, nil
	for { // all that earlier interleavings have left is passed over
		rows, err := readOutbox(ctx, w.pool, w.sent, 1000)
		if err != nil || len(rows) == 0 {
			break
		}
		w.sent = rows[len(rows)-1].position
	}
	for {
		facts, at, err := w.free.log.Follow(ctx, w.followed, 1000)
		if err != nil || len(facts) == 0 {
			break
		}
		w.followed = at
	}
}

func (w *world) stream(n int) es.StreamID { return notes.Stream(w.tenant, fmt.Sprintf("s%d", n)) }

// submit gives a command to a writer.
func (w *world) submit(ctx context.Context, to *writer, on []int, message, key int, gated bool) {
	var ids []es.StreamID
	for _, n := range on {
		if id := w.stream(n); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	a := answer{}
	r := eventlog.Request{
		Tenant: w.tenant, At: time.Now(), Meta: es.Meta{CorrelationID: "c"},
		Command: es.Command{Streams: ids, Decide: func(es.States) (es.Decision, error) {
			var d es.Decision
			for _, id := range ids {
				d.Facts = append(d.Facts, es.Facts(id, noted{})...)
			}
			if gated {
				to.pass() // it has locked and loaded
				d.Jobs = []es.Job{hold{}}
			}
			return d, nil
		}},
		Respond: func(states es.States) (eventlog.Response, error) {
			body, err := json.Marshal(states.Version(ids[0]))
			return eventlog.Response{Status: 200, Body: body}, err
		},
	}
	if message > 0 {
		a.message = fmt.Sprintf("%s-message-%d", w.tenant, message)
		r.Message, r.Meta.CausationID = a.message, a.message
	}
	if key > 0 {
		a.key = fmt.Sprint(key)
		r.Idempotency = &eventlog.Idempotency{Method: "POST", Path: "/notes", Key: a.key}
	}
	to.outstanding++
	go func() {
		a.result, a.err = to.log.Handle(context.WithoutCancel(ctx), r)
		to.done <- a
	}()
}

// settle waits until each writer has come to a gate, to its end, or to a lock that another holds.
func (w *world) settle(ctx context.Context) error {
	for deadline := time.Now().Add(30 * time.Second); ; {
		settled := true
		for _, writer := range append(slices.Clone(w.writers), w.free) {
			for more := true; more; {
				select {
				case a := <-writer.done:
					writer.outstanding--
					w.keep(a)
				case at := <-writer.gate:
					writer.at = at
				default:
					more = false
				}
			}
			if writer.outstanding == 0 || writer.at != nil {
				continue
			}
			var waiting int
			if err := w.admin.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
				WHERE application_name = $1 AND wait_event_type = 'Lock'`, writer.name).Scan(&waiting); err != nil {
				return err
			}
			if waiting < writer.outstanding {
				settled = false
			} else {
				w.blocked++
			}
		}
		if settled {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("the writers do not settle")
		}
	}
}

func (w *world) keep(a answer) {
	w.answers = append(w.answers, a)
	switch {
	case a.err != nil:
		w.failed++
	case a.result.Duplicate:
		w.duplicates++
	case a.result.Replayed:
		w.replayed++
	default:
		w.facts += len(a.result.Facts)
	}
}

// finish lets every writer come to its end.
func (w *world) finish(ctx context.Context) error {
	for {
		if err := w.settle(ctx); err != nil {
			return err
		}
		left := w.free.outstanding
		for _, writer := range w.writers {
			left += writer.outstanding
			if writer.at != nil {
				writer.leaveGate(true)
			}
		}
		if left == 0 {
			return nil
		}
	}
}

// nothingRuns says that no transaction hides anything from the readers.
func (w *world) nothingRuns(ctx context.Context) bool {
	var running int
	err := w.admin.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL`).Scan(&running)
	return err == nil && running == 0
}

// checkAnswers holds what the callers were told against what was committed.
func (w *world) checkAnswers(committed seen) error {
	handled, kept := map[string]int{}, map[string]string{}
	for _, a := range w.answers {
		if a.err != nil || a.result.Duplicate {
			continue
		}
		if !a.result.Replayed {
			for _, f := range a.result.Facts {
				if ids := committed[f.Stream.ID]; int64(len(ids)) < f.Version || ids[f.Version-1] != f.ID {
					return fmt.Errorf("%s %d was answered as committed: %v", f.Stream, f.Version, ids)
				}
			}
			if handled[a.message]++; a.message != "" && handled[a.message] > 1 {
				return fmt.Errorf("message %s was handled twice", a.message)
			}
		}
		if body, ok := kept[a.key]; a.key != "" && ok && body != string(a.result.Response.Body) {
			return fmt.Errorf("key %s was answered %s and %s", a.key, body, a.result.Response.Body)
		}
		kept[a.key] = string(a.result.Response.Body)
	}
	return nil
}

// seen are the ids of facts that a reader has seen, by stream, in the order of versions.
type seen map[string][]string

// wrongOrder is the error of a reader that sees something else than 1, 2, 3, ….
type wrongOrder struct{ what string }

func (e *wrongOrder) Error() string { return e.what }

func (s *seen) see(stream string, version int64, id string) error {
	if *s == nil {
		*s = seen{}
	}
	if next := int64(len((*s)[stream])) + 1; version != next {
		return &wrongOrder{fmt.Sprintf("of %s version %d came where %d was next", stream, version, next)}
	}
	(*s)[stream] = append((*s)[stream], id)
	return nil
}

func (s seen) total() (n int) {
	for _, ids := range s {
		n += len(ids)
	}
	return n
}

func (s seen) equal(other seen) bool { return maps.EqualFunc(s, other, slices.Equal) }
