package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// own are the migrations of a service that has some.
var own = fstest.MapFS{"migrations/0001_levels.sql": {Data: []byte(`-- +goose Up
CREATE TABLE levels (sku text PRIMARY KEY, id bigserial, on_hand bigint NOT NULL);
-- +goose Down
DROP TABLE levels;
`)}}

// empty is a database that nothing has been done to yet, for its administrator.
func empty(t *testing.T) string {
	t.Helper()
	return pgtest.Database(t, pgtest.Template{Name: "nothing"})
}

func provision(t *testing.T, adminURL string, services ...string) map[string]postgres.Access {
	t.Helper()
	access, err := postgres.Provision(t.Context(), adminURL, services...)
	if err != nil {
		t.Fatal(err)
	}
	return access
}

func migrate(t *testing.T, access postgres.Access, service string, files fs.FS) {
	t.Helper()
	if err := postgres.Migrate(t.Context(), access.OwnerURL, service, files); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, access postgres.Access, service string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), access.ServiceURL, postgres.Options{Service: service})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// execer runs a statement: a pool, or a connection.
type execer interface {
	Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
}

func allowed(t *testing.T, db execer, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(t.Context(), s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func forbidden(t *testing.T, db execer, statements ...string) {
	t.Helper()
	for _, s := range statements {
		_, err := db.Exec(t.Context(), s)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "42501" && pg.Code != "23001" {
			t.Errorf("%s is not forbidden: %v", s, err)
		}
	}
}

const (
	insertEvent = `INSERT INTO events (stream, version, id, kind, data, at, correlation_id, causation_id, trace_parent)
		VALUES ('default/stock/a', 1, gen_random_uuid(), 'x', '{}', now(), '', '', '')`
	insertStream = `INSERT INTO streams (stream, tenant, category, id, created_at) VALUES ('default/stock/a', 'default', 'stock', 'a', now())`
)

func TestServiceReadsAndWritesAndNeverChangesHistory(t *testing.T) {
	t.Parallel()
	access := provision(t, empty(t), "inventory", "payments")
	migrate(t, access["inventory"], "inventory", own)
	migrate(t, access["payments"], "payments", nil)
	service := open(t, access["inventory"], "inventory")
	allowed(t, service,
		insertEvent, insertStream, `INSERT INTO inbox (message_id) VALUES ('m')`,
		`SELECT * FROM events`, `SELECT * FROM streams`, `SELECT * FROM inbox`,
		`INSERT INTO snapshots VALUES ('s', 1, 1, '{}')`, `UPDATE snapshots SET version = 2`, `DELETE FROM snapshots`,
		`INSERT INTO watermill_outbox (uuid, transaction_id) VALUES ('u', pg_current_xact_id())`, `DELETE FROM watermill_outbox`,
		`INSERT INTO levels (sku, on_hand) VALUES ('a', 1)`, `UPDATE levels SET on_hand = 2`, `DELETE FROM levels`,
		`INSERT INTO river_job (kind, args, max_attempts) VALUES ('x', '{}', 1)`, `UPDATE river_job SET priority = 2`, `DELETE FROM river_job`,
		`SELECT * FROM river_migration`, `SELECT * FROM goose_version`, `SELECT * FROM goose_platform_version`,
	)
	for _, table := range []string{"events", "streams", "inbox"} {
		forbidden(t, service, `DELETE FROM `+table, `TRUNCATE `+table)
	}
	forbidden(t, service,
		`UPDATE events SET kind = 'y'`, `UPDATE streams SET tenant = 'y'`, `UPDATE inbox SET message_id = 'y'`,
		`ALTER TABLE events DISABLE TRIGGER ALL`, `DROP TABLE events`, `CREATE TABLE more (a int)`,
		`DELETE FROM goose_version`, `UPDATE goose_platform_version SET version_id = 9`, `DELETE FROM river_migration`,
		`SELECT * FROM payments.events`, `INSERT INTO payments.inbox (message_id) VALUES ('m')`, `SELECT * FROM payments.river_job`,
		`SET ROLE waybill_payments`, `SET ROLE waybill_inventory_owner`, `CREATE ROLE somebody`,
	)
	allowed(t, service, `SELECT sweep_inbox(now() - interval '1 hour', '{a}', 10)`)
	forbidden(t, service,
		`SELECT sweep_inbox(now() + interval '1 hour', '{a}', 10)`, `INSERT INTO inbox_swept VALUES ('b', now())`,
		`UPDATE inbox_swept SET until = now()`, `DELETE FROM inbox_swept`, `TRUNCATE inbox_swept`,
	)
	owner := connect(t, access["inventory"].OwnerURL)
	forbidden(t, owner,
		`DELETE FROM inbox`, `UPDATE inbox_swept SET until = '-infinity'`, `DELETE FROM inbox_swept`, `TRUNCATE inbox_swept`)
	forbidden(t, owner, `UPDATE events SET kind = 'y'`, `DELETE FROM streams`, `TRUNCATE inbox`, `SELECT * FROM payments.events`)
}

func TestAuditorReadsEverythingAndChangesNothing(t *testing.T) {
	t.Parallel()
	admin := empty(t)
	access := provision(t, admin, "inventory", "payments")
	migrate(t, access["inventory"], "inventory", own)
	migrate(t, access["payments"], "payments", nil)
	conn := connect(t, admin)
	allowed(t, conn, `SET ROLE waybill_auditor`,
		`SELECT * FROM inventory.events`, `SELECT * FROM inventory.levels`, `SELECT * FROM payments.inbox`, `SELECT * FROM payments.river_job`, `SELECT * FROM inventory.inbox_swept`)
	forbidden(t, conn, `SELECT inventory.sweep_inbox(now(), '{a}', 10)`, `INSERT INTO inventory.inbox (message_id) VALUES ('m')`, `DELETE FROM payments.river_job`, `CREATE TABLE inventory.more (a int)`)
}

func TestSessionsDoNotIdleOrWaitForLong(t *testing.T) {
	t.Parallel()
	access := provision(t, empty(t), "inventory")["inventory"]
	settings := func(db interface {
		QueryRow(context.Context, string, ...any) pgx.Row
	}) map[string]string {
		got := map[string]string{}
		for _, name := range []string{"search_path", "idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"} {
			var value string
			if err := db.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&value); err != nil {
				t.Fatal(err)
			}
			got[name] = value
		}
		return got
	}
	want := map[string]string{"search_path": "inventory", "idle_in_transaction_session_timeout": "5s", "lock_timeout": "5s", "statement_timeout": "15s"}
	if diff := cmp.Diff(want, settings(open(t, access, "inventory"))); diff != "" {
		t.Errorf("pool: %s", diff)
	}
	if diff := cmp.Diff(want, settings(connect(t, access.ServiceURL))); diff != "" {
		t.Errorf("any session of the role: %s", diff)
	}
	want["lock_timeout"], want["statement_timeout"] = "0", "0"
	if diff := cmp.Diff(want, settings(connect(t, access.OwnerURL))); diff != "" {
		t.Errorf("the owner: %s", diff)
	}
}

// What the database's administrator has set for all is not what the statements were written for.
func TestSessionsDoNotDependOnTheDatabasesDefaults(t *testing.T) {
	t.Parallel()
	admin := empty(t)
	access := provision(t, admin, "inventory")["inventory"]
	conn := connect(t, admin)
	database := pgx.Identifier{conn.Config().Database}.Sanitize()
	allowed(t, conn, `ALTER DATABASE `+database+` SET default_transaction_isolation = 'serializable'`,
		`ALTER DATABASE `+database+` SET timezone = 'Asia/Tokyo'`)
	for who, db := range map[string]interface {
		QueryRow(context.Context, string, ...any) pgx.Row
	}{"pool": open(t, access, "inventory"), "any session of the role": connect(t, access.ServiceURL)} {
		var isolation, zone string
		if err := db.QueryRow(t.Context(), `SELECT current_setting('transaction_isolation'), current_setting('timezone')`).Scan(&isolation, &zone); err != nil {
			t.Fatal(err)
		}
		if isolation != "read committed" || zone != "UTC" {
			t.Errorf("%s: %s, %s", who, isolation, zone)
		}
	}
}

func TestProvisionAgainGivesTheSameAccess(t *testing.T) {
	t.Parallel()
	admin := empty(t)
	first := provision(t, admin, "orders", "shipping")
	migrate(t, first["orders"], "orders", nil)
	pool := open(t, first["orders"], "orders")
	allowed(t, pool, insertEvent)
	again := provision(t, admin, "orders", "shipping", "notifications")
	for service, access := range first {
		if again[service] != access {
			t.Errorf("%s has another access now", service)
		}
	}
	allowed(t, pool, `SELECT * FROM events`)
	// A password that was changed meanwhile is set again.
	allowed(t, connect(t, admin), `ALTER ROLE waybill_notifications PASSWORD 'other'`)
	restored := provision(t, admin, "notifications")
	connect(t, restored["notifications"].ServiceURL)
}

func TestProvisionOfSeveralDatabasesAtOnce(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 4 {
		admin := empty(t)
		for range 2 {
			all.Go(func() {
				services := []string{"orders", "payments", "crowd_a", "crowd_b"}
				access, err := postgres.Provision(t.Context(), admin, services...)
				if err != nil {
					t.Error(err)
					return
				}
				for _, s := range services {
					conn, err := pgx.Connect(t.Context(), access[s].ServiceURL)
					if err != nil {
						t.Error(err)
						continue
					}
					_ = conn.Close(t.Context())
					if err := postgres.Migrate(t.Context(), access[s].OwnerURL, s, own); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
}

func TestProvisionByWhoMayOnlyCreateRoles(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t) // a role is the whole cluster's, and this one must not meet others'
	super := connect(t, server.URL("postgres"))
	allowed(t, super, `CREATE ROLE provisioner LOGIN CREATEROLE PASSWORD 'p'`, `CREATE DATABASE ours`, `GRANT CREATE ON DATABASE ours TO provisioner`)
	u, err := url.Parse(server.URL("ours"))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("provisioner", "p")
	for range 2 {
		access := provision(t, u.String(), "inventory")["inventory"]
		migrate(t, access, "inventory", own)
		allowed(t, open(t, access, "inventory"), `SELECT * FROM levels`)
	}
}

func TestProvisionTellsWhatIsWrongAndNoPassword(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ url, service, want string }{
		"a name":     {"postgres://u:hidden@127.0.0.1:1/x", "Orders", `service "Orders"`},
		"a quote":    {"postgres://u:hidden@127.0.0.1:1/x", `a";DROP`, "service"},
		"a port":     {"postgres://u:hidden@127.0.0.1:none/x", "orders", "administrator's URL: the URL cannot be read"},
		"no URL":     {"host=127.0.0.1 password=hidden", "orders", "not of the form"},
		"no server":  {"postgres://u:hidden@127.0.0.1:1/x", "orders", "connect as administrator"},
		"no service": {"postgres://u:hidden@127.0.0.1:1/x", "", "service"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.Provision(t.Context(), c.url, c.service)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := postgres.Open(t.Context(), "postgres://u:hidden@h:none/x", postgres.Options{}); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("%v", err)
	}
}

func TestMigratedKnowsWhatIsMissing(t *testing.T) {
	t.Parallel()
	access := provision(t, empty(t), "inventory")["inventory"]
	pool := open(t, access, "inventory")
	wrong := func(want string, files fs.FS) {
		t.Helper()
		if err := postgres.Migrated(t.Context(), pool, files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v", err)
		}
	}
	wrong("has not been migrated", nil)
	migrate(t, access, "inventory", nil)
	if err := postgres.Migrated(t.Context(), pool, nil); err != nil {
		t.Error(err)
	}
	wrong("goose_version", own)
	migrate(t, access, "inventory", own)
	if err := postgres.Migrated(t.Context(), pool, own); err != nil {
		t.Error(err)
	}
	newer := fstest.MapFS{}
	for name, file := range own {
		newer[strings.TrimPrefix(name, "migrations/")] = file // files may also stand in the root
	}
	newer["0002_more.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE levels ADD COLUMN reserved bigint;\n")}
	wrong("goose_version is at 1 and not at 2", newer)
	migrate(t, access, "inventory", newer)
	for _, files := range []fs.FS{own, newer} {
		if err := postgres.Migrated(t.Context(), pool, files); err != nil {
			t.Error(err)
		}
	}
	pool.Close()
	if err := postgres.Migrated(t.Context(), pool, nil); err == nil {
		t.Error("a closed pool is migrated")
	}
}

func TestSeveralMigrateAtOnce(t *testing.T) {
	t.Parallel()
	access := provision(t, empty(t), "inventory")["inventory"]
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := postgres.Migrate(t.Context(), access.OwnerURL, "inventory", own); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	allowed(t, open(t, access, "inventory"), `SELECT * FROM levels`)
}

func TestFailedMigrationNamesTheSchema(t *testing.T) {
	t.Parallel()
	access := provision(t, empty(t), "inventory")["inventory"]
	broken := fstest.MapFS{"0001_broken.sql": {Data: []byte("-- +goose Up\nCREATE TABEL x;\n")}}
	err := postgres.Migrate(t.Context(), access.OwnerURL, "inventory", broken)
	if err == nil || !strings.Contains(err.Error(), "migrate schema inventory") || !strings.Contains(err.Error(), "0001_broken.sql") {
		t.Errorf("%v", err)
	}
	if password, _ := mustParse(t, access.OwnerURL).User.Password(); strings.Contains(fmt.Sprint(err), password) {
		t.Errorf("the password is told: %v", err)
	}
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// The sweep works with the owner's rights: it must find the schema's own tables, and not those that somebody made.
func TestSweepIsNotLedAstray(t *testing.T) {
	t.Parallel()
	access := provision(t, empty(t), "inventory")["inventory"]
	migrate(t, access, "inventory", own)
	service := connect(t, access.ServiceURL)
	allowed(t, service, `INSERT INTO inbox (message_id) VALUES ('m')`,
		`CREATE TEMPORARY TABLE inbox_swept (topic text PRIMARY KEY, until timestamptz)`,
		`CREATE TEMPORARY TABLE inbox (message_id text, handled_at timestamptz)`,
		`SELECT sweep_inbox(now(), '{a}', 10)`)
	var left int
	var moved bool
	if err := service.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM inventory.inbox), (SELECT until > '-infinity' FROM inventory.inbox_swept)`).
		Scan(&left, &moved); err != nil || left != 0 || !moved {
		t.Errorf("%d messages are left, the time has moved: %t, %v", left, moved, err)
	}
}
