package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
)

// foreignID is where the transaction ids of a cluster are that has come further than any test's.
const foreignID = 1_000_000_000_000

// restored is what a schema holds after a restore: rows of other transactions, in whatever order these wrote them.
type restored struct {
	events, outbox []place
	relay          place
	marks          []place
}

type place struct{ Transaction, Number uint64 }

var places = rapid.SliceOfNDistinct(rapid.Custom(func(r *rapid.T) place {
	return place{
		Transaction: rapid.OneOf(rapid.Uint64Range(1, 1), rapid.Uint64Range(foreignID, foreignID+9)).Draw(r, "transaction"),
		Number:      rapid.Uint64Range(1, 30).Draw(r, "number"),
	}
}), 0, 20, rapid.ID[place])

// Whatever transactions wrote the rows: the order of facts and of the outbox stays, and so does what has been sent; all of
// it can be read, and lies before what is written next. Doing it again changes nothing.
func TestAdoptKeepsTheOrder(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t) // transaction ids are the whole cluster's
	access := provision(t, server.URL("postgres"), "inventory")["inventory"]
	migrate(t, access, "inventory", own)
	admin := connect(t, server.URL("postgres"))
	allowed(t, admin, `SET search_path = inventory`, `SET session_replication_role = replica`)
	rapid.Check(t, func(r *rapid.T) {
		before := restored{events: places.Draw(r, "events"), outbox: places.Draw(r, "outbox"), marks: places.Draw(r, "marks")}
		before.relay = rapid.SampledFrom(append(slices.Clone(before.outbox), place{1, 0}, place{foreignID, 4})).Draw(r, "relay")
		fill(t, admin, before)
		foreign := before.relay.Transaction >= foreignID
		for _, p := range slices.Concat(before.events, before.outbox, before.marks) {
			foreign = foreign || p.Transaction >= foreignID
		}
		was := read(t, admin)
		adopted, err := postgres.Adopt(t.Context(), access.OwnerURL, "inventory", nil)
		if err != nil {
			r.Fatal(err)
		}
		want := postgres.Adopted{Foreign: foreign}
		if foreign {
			want.Events, want.Messages, want.Unsent = int64(len(before.events)), int64(len(before.outbox)), int64(len(was.Unsent))
		}
		if adopted != want {
			r.Fatalf("%+v, want %+v", adopted, want)
		}
		is := read(t, admin)
		if diff := cmp.Diff(was.content(), is.content()); diff != "" {
			r.Fatalf("order (-before +after):\n%s", diff)
		}
		if foreign && slices.ContainsFunc(is.Rows, func(row string) bool { return strings.Contains(row, fmt.Sprint(foreignID)[:10]) }) {
			r.Fatalf("a foreign id is left: %v", is.Rows)
		}
		if again, err := postgres.Adopt(t.Context(), access.OwnerURL, "inventory", nil); err != nil || again != (postgres.Adopted{}) {
			r.Fatalf("again: %+v, %v", again, err)
		}
		if diff := cmp.Diff(is, read(t, admin)); diff != "" {
			r.Fatalf("the second run changed (-before +after):\n%s", diff)
		}
		checkNextIsLast(t, r, admin)
	})
}

func fill(t *testing.T, admin *pgx.Conn, with restored) {
	t.Helper()
	batch := &pgx.Batch{}
	for _, table := range []string{"events", "watermill_outbox", "watermill_offsets_outbox"} {
		batch.Queue("TRUNCATE " + table)
	}
	for i, p := range with.events {
		batch.Queue(`INSERT INTO events (transaction_id, position, stream, version, id, kind, data, at, correlation_id, causation_id, trace_parent)
			OVERRIDING SYSTEM VALUE VALUES ($1, $2, 's', $3, gen_random_uuid(), 'x', '{}', now(), '', '', '')`, p.Transaction, p.Number, i+1)
	}
	for i, p := range with.outbox {
		batch.Queue(`INSERT INTO watermill_outbox (transaction_id, "offset", uuid) VALUES ($1, $2, $3)`, p.Transaction, p.Number, fmt.Sprint(i))
	}
	batch.Queue(`INSERT INTO watermill_offsets_outbox VALUES ('relay', $2, $1)`, with.relay.Transaction, with.relay.Number)
	for i, p := range with.marks {
		batch.Queue(`INSERT INTO watermill_offsets_outbox VALUES ('sent/' || $3, $2, $1)`, p.Transaction, p.Number, fmt.Sprint(i))
	}
	if err := admin.SendBatch(t.Context(), batch).Close(); err != nil {
		t.Fatal(err)
	}
}

// contents is what a schema's readers see.
type contents struct {
	Events, Outbox, Unsent []string
	// Sent are the messages up to each reader's place.
	Sent []string
	// Rows are the rows as they are stored.
	Rows []string
}

func (c contents) content() contents { c.Rows = nil; return c }

func read(t *testing.T, admin *pgx.Conn) (c contents) {
	t.Helper()
	for into, sql := range map[*[]string]string{
		&c.Events: `SELECT version::text FROM events ORDER BY transaction_id, position`,
		&c.Outbox: `SELECT uuid FROM watermill_outbox ORDER BY transaction_id, "offset"`,
		&c.Unsent: `SELECT uuid FROM watermill_outbox w, watermill_offsets_outbox o WHERE consumer_group = 'relay'
			AND (w.transaction_id, w."offset") > (o.last_processed_transaction_id, o.offset_acked) ORDER BY w.transaction_id, w."offset"`,
		&c.Sent: `SELECT consumer_group || ' ' || coalesce(string_agg(uuid, ' ' ORDER BY w.transaction_id, w."offset"), '')
			FROM watermill_offsets_outbox o LEFT JOIN watermill_outbox w
			ON (w.transaction_id, w."offset") <= (o.last_processed_transaction_id, o.offset_acked) GROUP BY consumer_group ORDER BY 1`,
		&c.Rows: `SELECT xmin || ' ' || events::text FROM events UNION ALL SELECT xmin || ' ' || w::text FROM watermill_outbox w
			UNION ALL SELECT xmin || ' ' || o::text FROM watermill_offsets_outbox o ORDER BY 1`,
	} {
		rows, err := admin.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		if *into, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// checkNextIsLast writes as the service does, and sees it behind all that is there, and below what readers may read.
func checkNextIsLast(t *testing.T, r *rapid.T, admin *pgx.Conn) {
	t.Helper()
	batch := &pgx.Batch{}
	batch.Queue(insertEvent)
	batch.Queue(`INSERT INTO watermill_outbox (uuid, transaction_id) VALUES ('next', pg_current_xact_id())`)
	if err := admin.SendBatch(t.Context(), batch).Close(); err != nil {
		r.Fatal(err)
	}
	var event, message string
	var hidden int
	if err := admin.QueryRow(t.Context(), `SELECT
		(SELECT stream FROM events ORDER BY transaction_id DESC, position DESC LIMIT 1),
		(SELECT uuid FROM watermill_outbox ORDER BY transaction_id DESC, "offset" DESC LIMIT 1),
		(SELECT count(*) FROM events WHERE transaction_id >= pg_snapshot_xmin(pg_current_snapshot()))
		+ (SELECT count(*) FROM watermill_outbox WHERE transaction_id >= pg_snapshot_xmin(pg_current_snapshot()))`).
		Scan(&event, &message, &hidden); err != nil || event != "default/stock/a" || message != "next" || hidden > 0 {
		r.Fatalf("the last fact is of %s, the last message %s, %d are hidden: %v", event, message, hidden, err)
	}
}

func TestAdoptIsForOwnersOfWhatIsAtRest(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	access := provision(t, server.URL("postgres"), "inventory")["inventory"]
	adopt := func(url, service string) (postgres.Adopted, error) {
		return postgres.Adopt(t.Context(), url, service, nil)
	}
	if _, err := adopt(access.OwnerURL, "inventory"); err == nil || !strings.Contains(err.Error(), "not in this database") {
		t.Errorf("without tables: %v", err)
	}
	migrate(t, access, "inventory", own)
	admin := connect(t, server.URL("postgres"))
	allowed(t, admin, `SET search_path = inventory`, `SET session_replication_role = replica`)
	fill(t, admin, restored{events: []place{{foreignID, 1}}, relay: place{1, 0}})

	pool := open(t, access, "inventory")
	if err := postgres.Native(t.Context(), pool); !errors.Is(err, postgres.ErrForeign) {
		t.Errorf("the service sees %v", err)
	}
	if _, err := adopt(access.OwnerURL, "inventory"); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("while the service is connected: %v", err)
	}
	pool.Close()
	if _, err := adopt(access.ServiceURL, "inventory"); err == nil {
		t.Error("the service's login may adopt")
	}
	for sessions := 1; sessions > 0; { // a connection that was closed is there for a moment
		if err := admin.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE usename = 'waybill_inventory'`).Scan(&sessions); err != nil {
			t.Fatal(err)
		}
	}
	refused := errors.New("not now")
	if _, err := postgres.Adopt(t.Context(), access.OwnerURL, "inventory", func(context.Context, pgx.Tx) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("what comes first was refused: %v", err)
	}
	if got := read(t, admin).Rows[0]; !strings.Contains(got, fmt.Sprint(foreignID)) {
		t.Errorf("what was refused has changed %s", got)
	}
	if adopted, err := adopt(server.URL("postgres"), "inventory"); err != nil || adopted.Events != 1 {
		t.Errorf("the administrator: %+v, %v", adopted, err)
	}
	if err := postgres.Native(t.Context(), open(t, access, "inventory")); err != nil {
		t.Errorf("the service sees %v", err)
	}
	owner := connect(t, access.OwnerURL)
	forbidden(t, owner, `UPDATE events SET kind = 'y'`) // the trigger is back
	if _, err := owner.Exec(t.Context(), `INSERT INTO events (position) VALUES (1)`); err == nil || !strings.Contains(err.Error(), "GENERATED ALWAYS") && !strings.Contains(err.Error(), "non-DEFAULT") {
		t.Errorf("positions may be given by hand: %v", err)
	}
}
