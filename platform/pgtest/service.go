package pgtest

import (
	"context"
	"io/fs"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	localpostgres "waybill.dev/local/postgres"
	"waybill.dev/platform/postgres"
)

// Service is a fresh database with the migrated schema of one service. own are the service's migrations beside
// those that every service has; nil for none.
func Service(t testing.TB, service string, own fs.FS) postgres.Access {
	t.Helper()
	url := Database(t, Template{Name: service, Migrate: func(ctx context.Context, adminURL string) error {
		access, err := postgres.Provision(ctx, adminURL, service)
		if err != nil {
			return err
		}
		return postgres.Migrate(ctx, access[service].OwnerURL, service, own)
	}})
	return provision(t, url, service)
}

// Pool works on a fresh Service as the service does.
func Pool(t testing.TB, service string, own fs.FS) *pgxpool.Pool {
	t.Helper()
	return open(t, service, Service(t, service, own).ServiceURL)
}

// PoolOn is Pool on a server of the test's own.
func PoolOn(t testing.TB, server *localpostgres.Server, service string, own fs.FS) *pgxpool.Pool {
	t.Helper()
	access := provision(t, server.URL("postgres"), service)
	if err := postgres.Migrate(t.Context(), access.OwnerURL, service, own); err != nil {
		t.Fatal(err)
	}
	return open(t, service, access.ServiceURL)
}

func provision(t testing.TB, adminURL, service string) postgres.Access {
	t.Helper()
	access, err := postgres.Provision(t.Context(), adminURL, service)
	if err != nil {
		t.Fatal(err)
	}
	return access[service]
}

func open(t testing.TB, service, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), url, postgres.Options{Service: service, MaxConns: 12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}
