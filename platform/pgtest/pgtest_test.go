package pgtest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { Main(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close(context.Background()) })
	return connection
}

func count(t *testing.T, connection *pgx.Conn) (rows int) {
	t.Helper()
	if err := connection.QueryRow(t.Context(), "SELECT count(*) FROM parcel").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

func migrateParcels(ctx context.Context, adminURL string) error {
	connection, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return err
	}
	_, err = connection.Exec(ctx, "CREATE TABLE parcel (id bigint); INSERT INTO parcel VALUES (1)")
	return errors.Join(err, connection.Close(ctx))
}

func TestDatabasesAreClonesApart(t *testing.T) {
	t.Parallel()
	var migrations atomic.Int32
	counted := Template{Name: "counted", Migrate: func(ctx context.Context, adminURL string) error {
		migrations.Add(1)
		return migrateParcels(ctx, adminURL)
	}}
	t.Run("group", func(t *testing.T) {
		for range 4 {
			t.Run("clone", func(t *testing.T) {
				t.Parallel()
				connection := connect(t, Database(t, counted))
				if _, err := connection.Exec(t.Context(), "INSERT INTO parcel VALUES (2)"); err != nil {
					t.Fatal(err)
				}
				if rows := count(t, connection); rows != 2 {
					t.Errorf("%d rows, want the template's and the test's own", rows)
				}
			})
		}
	})
	if got := migrations.Load(); got != 1 {
		t.Errorf("migrated %d times, want once", got)
	}
}

func TestDatabaseIsDroppedThoughConnected(t *testing.T) {
	t.Parallel()
	var name string
	outer := connect(t, Database(t, Template{Name: "empty"}))
	t.Run("inner", func(t *testing.T) {
		inner, err := pgx.Connect(t.Context(), Database(t, Template{Name: "empty"}))
		if err != nil {
			t.Fatal(err)
		}
		if err := inner.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
	})
	var there bool
	if err := outer.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil {
		t.Fatal(err)
	}
	if name == "" || there {
		t.Errorf("the database %q is still there", name)
	}
}

func TestServerOfItsOwnOutlivesACrash(t *testing.T) {
	t.Parallel()
	server := Server(t)
	if err := migrateParcels(t.Context(), server.URL("postgres")); err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows := count(t, connect(t, server.URL("postgres"))); rows != 1 {
		t.Errorf("%d rows after the crash, want 1", rows)
	}
}

func TestFailedMigrationNamesTheTemplate(t *testing.T) {
	t.Parallel()
	server, _, err := shared.running(t.Context(), "failing")
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		template Template
		want     string
	}{
		"migration": {Template{Name: "failing", Migrate: func(context.Context, string) error { return broken }}, "broken"},
		"name":      {Template{Name: "x; DROP DATABASE y"}, "lowercase letters"},
		"no name":   {Template{}, "lowercase letters"},
	} {
		if err := test.template.make(t.Context(), server); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func TestChoiceOfBinaries(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		chosen    string
		hasSystem bool
		want      string
		fails     bool
	}{
		{"", true, "system", false},
		{"", false, "embedded", false},
		{"embedded", true, "embedded", false},
		{"system", false, "system", false},
		{"mysql", true, "", true},
	} {
		got, err := binaries(test.chosen, test.hasSystem)
		if got != test.want || (err != nil) != test.fails {
			t.Errorf("binaries(%q, %t) = %q, %v", test.chosen, test.hasSystem, got, err)
		}
	}
}
