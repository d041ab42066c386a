package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/pgerr"
)

// The tables that say how far a schema has been migrated: the platform's tables, then the service's own.
const (
	platformVersions = "goose_platform_version"
	serviceVersions  = "goose_version"
	riverVersions    = "river_migration"
)

// history is what the service's role may add to and read, and never change.
var history = [...]string{"events", "streams", "inbox"}

// Migrate brings the service's schema to the version that this binary wants: the event log's tables, the
// service's own (nil for none; the files stand in the root or in a folder "migrations"), and River's. It runs as
// the schema's owner. Several may run it at once: one works, the others wait for it.
func Migrate(ctx context.Context, ownerURL, service string, own fs.FS) error {
	if err := migrate(ctx, ownerURL, service, own); err != nil {
		return fmt.Errorf("migrate schema %s: %w", service, err)
	}
	return nil
}

func migrate(ctx context.Context, ownerURL, service string, own fs.FS) error {
	config, err := pgxpool.ParseConfig(ownerURL)
	if err != nil {
		return withoutURL(err)
	}
	config.ConnConfig.RuntimeParams["search_path"] = service
	config.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	lock, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	// A session's lock: it ends with the connection, however this process ends.
	if _, err := lock.Exec(ctx, `SELECT pg_advisory_lock(hashtextextended('waybill migrate ' || $1, 0))`, service); err != nil {
		return err
	}
	defer lock.Conn().Close(context.WithoutCancel(ctx))

	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	for _, m := range []struct {
		table string
		files fs.FS
	}{{platformVersions, eventlog.Migrations()}, {serviceVersions, own}} {
		provider, err := provider(db, m.table, m.files)
		if err != nil {
			return err
		}
		if provider == nil {
			continue
		}
		_, err = provider.Up(ctx)
		var failed *goose.PartialError
		if errors.As(err, &failed) {
			return fmt.Errorf("%s: %w", path.Base(failed.Failed.Source.Path), failed.Err)
		}
		if err != nil {
			return err
		}
	}
	river, err := riverMigrator(pool, service)
	if err != nil {
		return err
	}
	if _, err := river.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("job tables: %w", err)
	}
	// River searches jobs by their arguments, metadata and kind for its own console only, and every job would pay for
	// these with more than for the rest of its row.
	if _, err := lock.Exec(ctx, `DROP INDEX IF EXISTS river_job_args_index, river_job_metadata_index, river_job_kind`); err != nil {
		return fmt.Errorf("job tables: %w", err)
	}
	return grant(ctx, lock.Conn(), service)
}

// grant takes from the service's role what the default privileges gave it too much of.
func grant(ctx context.Context, conn *pgx.Conn, service string) error {
	role := quote(ServiceRole(service))
	revoke := map[string]string{}
	for _, table := range history {
		revoke[table] = "UPDATE, DELETE, TRUNCATE"
	}
	for _, table := range []string{platformVersions, serviceVersions, riverVersions} {
		revoke[table] = "INSERT, UPDATE, DELETE, TRUNCATE"
	}
	revoke["inbox_swept"] = "INSERT, UPDATE, DELETE, TRUNCATE"
	for table, privileges := range revoke {
		var exists bool
		if err := conn.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, table).Scan(&exists); err != nil {
			return err
		}
		if !exists {
			continue // a service without migrations of its own
		}
		if _, err := conn.Exec(ctx, "REVOKE "+privileges+" ON "+quote(table)+" FROM "+role); err != nil {
			return err
		}
	}
	_, err := conn.Exec(ctx, "GRANT EXECUTE ON FUNCTION sweep_inbox TO "+role)
	return err
}

// Migrated is nil where the service's schema is at the version that this binary wants, or at a later one, which
// a newer binary has brought.
func Migrated(ctx context.Context, pool *pgxpool.Pool, own fs.FS) error {
	wanted := map[string]int64{}
	for table, files := range map[string]fs.FS{platformVersions: eventlog.Migrations(), serviceVersions: own} {
		version, err := latest(table, files)
		if err != nil {
			return err
		}
		wanted[table] = version
	}
	river, err := riverMigrator(pool, "")
	if err != nil {
		return err
	}
	all := river.AllVersions()
	wanted[riverVersions] = int64(all[len(all)-1].Version)

	for table, version := range wanted {
		if version == 0 {
			continue
		}
		column := "version_id"
		if table == riverVersions {
			column = "version"
		}
		var have int64
		err := pool.QueryRow(ctx, `SELECT coalesce(max(`+column+`), 0) FROM `+quote(table)).Scan(&have)
		switch {
		case pgerr.Missing(err):
			return fmt.Errorf("the schema has not been migrated: it has no table %s", table)
		case err != nil:
			return err
		case have < version:
			return fmt.Errorf("the schema has not been migrated: %s is at %d and not at %d", table, have, version)
		}
	}
	return nil
}

// provider is nil where there is nothing to migrate.
func provider(db *sql.DB, table string, files fs.FS) (*goose.Provider, error) {
	if files == nil {
		return nil, nil
	}
	if sub, err := fs.Stat(files, "migrations"); err == nil && sub.IsDir() {
		if files, err = fs.Sub(files, "migrations"); err != nil {
			return nil, err
		}
	}
	return goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName(table), goose.WithSlog(slog.New(slog.DiscardHandler)))
}

func latest(table string, files fs.FS) (int64, error) {
	// A connection is not opened: only the files are looked at.
	db := sql.OpenDB(stdlib.GetConnector(pgx.ConnConfig{}))
	defer db.Close()
	provider, err := provider(db, table, files)
	if provider == nil || err != nil {
		return 0, err
	}
	sources := provider.ListSources()
	return sources[len(sources)-1].Version, nil
}

func riverMigrator(pool *pgxpool.Pool, schema string) (*rivermigrate.Migrator[pgx.Tx], error) {
	return rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: schema, Logger: slog.New(slog.DiscardHandler)})
}
