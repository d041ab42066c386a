package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"waybill.dev/local/postgres"
	"waybill.dev/platform/clock"
)

// Template is what a test's database looks like when it gets it.
type Template struct {
	// Name tells templates of one process apart: lowercase letters, digits and underscores. All that use a name must
	// use the same Migrate.
	Name string
	// Migrate fills the database at the address of the superuser. It runs once for each process, and closes whatever
	// connection it opens. Nil leaves the database empty. Roles are shared by all databases of the server: create them
	// where they are missing.
	Migrate func(ctx context.Context, adminURL string) error
}

// template is a Template that was made, or could not be.
type template struct {
	once sync.Once
	err  error
}

const (
	templatePrefix = "template_"
	// releasePatience bounds the wait for connections that are being closed.
	releasePatience = 10 * time.Second
)

// Database gives the test a database of its own, cloned from the template, and returns its address for the superuser.
// It is dropped when the test ends, whoever is still connected.
func Database(t testing.TB, from Template) string {
	t.Helper()
	// Not the test's context: the server and the template are for the tests after it too.
	ctx := context.WithoutCancel(t.Context())
	server, made, err := shared.running(ctx, from.Name)
	if err != nil {
		t.Fatal(err)
	}
	made.once.Do(func() { made.err = from.make(ctx, server) })
	if made.err != nil {
		t.Fatalf("database template %s: %v", from.Name, made.err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := clone(ctx, server, name, templatePrefix+from.Name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := execute(ctx, server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return server.URL(name)
}

func (from Template) make(ctx context.Context, server *postgres.Server) error {
	if strings.Trim(from.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || from.Name == "" {
		return errors.New("a template's name consists of lowercase letters, digits and underscores")
	}
	name := templatePrefix + from.Name
	if err := execute(ctx, server, "CREATE DATABASE "+name); err != nil {
		return err
	}
	if from.Migrate == nil {
		return nil
	}
	return from.Migrate(ctx, server.URL(name))
}

// clone copies the template, file by file, which takes a fraction of the time that copying through the log takes where
// nothing is forced to disk. PostgreSQL refuses while anybody is connected to it, which a connection that was closed
// just now still is for a moment.
func clone(ctx context.Context, server *postgres.Server, name, template string) error {
	for begin := clock.Monotonic(); ; {
		err := execute(ctx, server, "CREATE DATABASE "+name+" TEMPLATE "+template+" STRATEGY FILE_COPY")
		if err == nil {
			return nil
		}
		const objectInUse = "55006"
		var failure *pgconn.PgError
		if !errors.As(err, &failure) || failure.Code != objectInUse || time.Since(begin) > releasePatience {
			return fmt.Errorf("clone %s: %w", template, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func execute(ctx context.Context, server *postgres.Server, statement string) error {
	connection, err := pgx.Connect(ctx, server.URL("postgres"))
	if err != nil {
		return err
	}
	_, err = connection.Exec(ctx, statement)
	return errors.Join(err, connection.Close(ctx))
}
