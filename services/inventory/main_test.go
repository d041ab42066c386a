package inventory_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
	"waybill.dev/platform/server"
	"waybill.dev/services/inventory"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func service(t testing.TB) server.Service {
	t.Helper()
	s, err := inventory.New(inventory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// database is a migrated database of the test's own, and how the service reaches it.
func database(t testing.TB) postgres.Access {
	t.Helper()
	s := service(t)
	admin := pgtest.Database(t, pgtest.Template{Name: s.Name, Migrate: func(ctx context.Context, adminURL string) error {
		access, err := postgres.Provision(ctx, adminURL, s.Name)
		if err != nil {
			return err
		}
		return postgres.Migrate(ctx, access[s.Name].OwnerURL, s.Name, s.Migrations)
	}})
	access, err := postgres.Provision(t.Context(), admin, s.Name)
	if err != nil {
		t.Fatal(err)
	}
	return access[s.Name]
}

func open(t testing.TB, access postgres.Access) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), access.ServiceURL, postgres.Options{Service: service(t).Name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}
