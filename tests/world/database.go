package world

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/platform/postgres"
	"waybill.dev/platform/server"
)

// columns are those that COPY is given, by table; a table that is not named is given all of them. The transaction and
// the position of a fact are the database's own.
var columns = map[string]string{
	"events":  "(stream, version, id, kind, data, at, correlation_id, causation_id, trace_parent)",
	"streams": "(stream, tenant, category, id, created_at)",
	"inbox":   "(message_id)",
}

// database is the five schemas, each with a connection of its own.
type database struct {
	connections map[string]*pgx.Conn
}

// openDatabase makes and migrates the schemas.
func openDatabase(ctx context.Context, adminURL string, services map[string]server.Service) (*database, error) {
	access, err := postgres.Provision(ctx, adminURL, suite.ServiceNames()...)
	if err != nil {
		return nil, err
	}
	d := &database{connections: map[string]*pgx.Conn{}}
	for _, name := range suite.ServiceNames() {
		if err := postgres.Migrate(ctx, access[name].OwnerURL, name, services[name].Migrations); err != nil {
			return nil, errors.Join(err, d.close(ctx))
		}
		if d.connections[name], err = pgx.Connect(ctx, adminURL); err != nil {
			return nil, errors.Join(err, d.close(ctx))
		}
	}
	return d, nil
}

// copyAll writes rows, those of each schema in one transaction, all schemas at once.
func (d *database) copyAll(ctx context.Context, rows map[string][]byte) error {
	var all errgroup.Group
	for schema, connection := range d.connections {
		all.Go(func() error {
			return pgx.BeginFunc(ctx, connection, func(tx pgx.Tx) error {
				for _, table := range slices.Sorted(maps.Keys(rows)) {
					of, name, _ := strings.Cut(table, ".")
					if of != schema {
						continue
					}
					statement := fmt.Sprintf("COPY %s%s FROM STDIN", table, columns[name])
					if _, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(rows[table]), statement); err != nil {
						return fmt.Errorf("%s: %w", table, err)
					}
				}
				return nil
			})
		})
	}
	return all.Wait()
}

// finish has PostgreSQL look at what it holds, as it would have by itself.
func (d *database) finish(ctx context.Context) error {
	_, err := d.connections[suite.Orders].Exec(ctx, "VACUUM ANALYZE")
	return err
}

func (d *database) close(ctx context.Context) (err error) {
	for _, c := range d.connections {
		err = errors.Join(err, c.Close(ctx))
	}
	return err
}
