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

func service(tb testing.TB) server.Service {
	tb.Helper()
	s, err := inventory.New(inventory.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// open is one replica's pool.
func open(tb testing.TB, access postgres.Access) *pgxpool.Pool {
	tb.Helper()
	pool, err := postgres.Open(tb.Context(), access.ServiceURL, postgres.Options{Service: service(tb).Name})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}
