package inventory_test

import (
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

// open is one replica's pool.
func open(t testing.TB, access postgres.Access) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), access.ServiceURL, postgres.Options{Service: service(t).Name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}
