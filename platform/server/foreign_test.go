package server_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
	"waybill.dev/platform/server"
)

// A service whose database was restored into another cluster, and not adopted, ends with a line that says what to do, and
// has written nothing by then.
func TestServiceRefusesAForeignDatabase(t *testing.T) {
	t.Parallel()
	database := pgtest.Server(t)
	access, err := postgres.Provision(t.Context(), database.URL("postgres"), counting)
	if err != nil {
		t.Fatal(err)
	}
	if err := postgres.Migrate(t.Context(), access[counting].OwnerURL, counting, nil); err != nil {
		t.Fatal(err)
	}
	admin, err := pgx.Connect(t.Context(), database.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.WithoutCancel(t.Context()))
	// A version later there is something to migrate, too.
	if _, err := admin.Exec(t.Context(), `INSERT INTO inventory.watermill_offsets_outbox VALUES ('relay', 1, '1000000000000');
		DROP INDEX inventory.parked_messages_open_by_age; DELETE FROM inventory.goose_platform_version WHERE version_id = 4`); err != nil {
		t.Fatal(err)
	}
	c := config(t, access[counting].ServiceURL)
	c.MigrationsURL = access[counting].OwnerURL
	s, err := server.New(t.Context(), countingService(&errands{}), c, server.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for running := true; running; {
		_, handled := s.App().Handle(ctx, eventlog.Request{Command: add("acme", "a", 1), Tenant: "acme", At: clock.Now()})
		if !errors.Is(handled, eventlog.ErrUnavailable) {
			t.Errorf("a command meanwhile: %v", handled)
		}
		select {
		case err = <-ended:
			running = false
		default:
		}
	}
	if !errors.Is(err, postgres.ErrForeign) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "waybill database adopt") {
		t.Errorf("the service ends by %v", err)
	}
	var written, version int
	err = admin.QueryRow(t.Context(), `SELECT count(*), (SELECT max(version_id) FROM inventory.goose_platform_version) FROM inventory.events`).
		Scan(&written, &version)
	if err != nil || written > 0 || version != 3 {
		t.Errorf("%d facts were written, and the schema is at version %d: %v", written, version, err)
	}
}
