package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrForeign says that the schema was restored from a dump into a cluster whose transactions have not come as far as
// those that wrote it. What is read in the order of transactions, the outbox above all, would stand still, and what is
// written would have its place before what was there. Waiting does not mend it.
var ErrForeign = errors.New("it was restored from a dump of another PostgreSQL cluster: run `waybill database adopt` before the services are started")

// isForeign asks whether any row has a transaction id that this cluster has not given out. Each part looks at one end of
// an index.
const isForeign = `SELECT
	EXISTS (SELECT FROM events WHERE transaction_id >= pg_snapshot_xmax(pg_current_snapshot()))
	OR EXISTS (SELECT FROM watermill_outbox WHERE transaction_id >= pg_snapshot_xmax(pg_current_snapshot()))
	OR EXISTS (SELECT FROM watermill_offsets_outbox WHERE last_processed_transaction_id >= pg_snapshot_xmax(pg_current_snapshot()))`

// checkForeign is ErrForeign where the schema has to be adopted first.
func checkForeign(ctx context.Context, db querier) error {
	var foreign bool
	if err := db.QueryRow(ctx, isForeign).Scan(&foreign); err != nil {
		return err
	}
	if foreign {
		return ErrForeign
	}
	return nil
}

// Adopted is what was done to a schema.
type Adopted struct {
	// Foreign says whether anything had to be done.
	Foreign bool
	// Events and Messages are how many facts, and messages of the outbox, have other transaction ids now.
	Events, Messages int64
	// Unsent is how many of the messages wait to be sent.
	Unsent int64
}

// Adopt makes the schema of a service that was restored from a dump fit for the cluster that it is in now. Transaction
// ids order the facts and the outbox, and those of another cluster may be ahead of this one's: all rows are given one
// that is before every transaction, and are numbered in the order that they had. How far the relay had come is moved
// along: what was sent stays sent, and what was not waits. It is all one transaction; where nothing has to be done nothing
// is.
//
// The login is that of the schema's owner, or of an administrator. It is an error while the service is connected.
//
// first is called in the same transaction, which keeps the service from starting: before anything is changed, and also where
// nothing has to be. Where it fails, nothing is. It may be nil.
func Adopt(ctx context.Context, loginURL, service string, first func(context.Context, pgx.Tx) error) (adopted Adopted, err error) {
	config, err := pgx.ParseConfig(loginURL)
	if err != nil {
		return Adopted{}, withoutURL(err)
	}
	config.RuntimeParams["search_path"] = service
	config.RuntimeParams["application_name"] = "waybill database adopt"
	config.RuntimeParams["lock_timeout"] = "10s"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "0" // Kafka may be waited for
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return Adopted{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) (err error) {
		adopted, err = adopt(ctx, tx, service, first)
		return err
	}); err != nil {
		return Adopted{}, fmt.Errorf("schema %s: %w", service, err)
	}
	if adopted.Foreign {
		// Each row was written anew, and a restored table has not been analyzed.
		if _, err := conn.Exec(ctx, "VACUUM (ANALYZE) events, watermill_outbox, watermill_offsets_outbox"); err != nil {
			return adopted, fmt.Errorf("schema %s has been adopted; vacuum: %w", service, err)
		}
	}
	return adopted, nil
}

func adopt(ctx context.Context, tx pgx.Tx, service string, first func(context.Context, pgx.Tx) error) (Adopted, error) {
	var exists bool
	if err := tx.QueryRow(ctx, `SELECT to_regclass('events') IS NOT NULL`).Scan(&exists); err != nil {
		return Adopted{}, err
	}
	if !exists {
		return Adopted{}, errors.New("it is not in this database")
	}
	// Nobody migrates meanwhile, and a service that starts now waits, and sees what has become of it.
	for _, statement := range []string{
		`SELECT pg_advisory_xact_lock(hashtextextended('waybill migrate ' || '` + service + `', 0))`,
		`LOCK TABLE events, watermill_outbox, watermill_offsets_outbox IN ACCESS EXCLUSIVE MODE`,
	} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return Adopted{}, err
		}
	}
	var sessions int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND usename = $1 AND pid <> pg_backend_pid()`, ServiceRole(service)).Scan(&sessions); err != nil {
		return Adopted{}, err
	}
	if sessions > 0 {
		return Adopted{}, fmt.Errorf("the service is connected (%d sessions): stop it first", sessions)
	}
	if first != nil {
		if err := first(ctx, tx); err != nil {
			return Adopted{}, err
		}
	}
	if err := checkForeign(ctx, tx); !errors.Is(err, ErrForeign) {
		return Adopted{}, err
	}
	return rewrite(ctx, tx)
}

// rewrite gives all rows one transaction id, and numbers that keep their order.
func rewrite(ctx context.Context, tx pgx.Tx) (a Adopted, err error) {
	a.Foreign = true
	// Real transactions begin at 3. A schema that was adopted before has rows with one of these, and gets the other, so
	// that no new place is taken.
	var id uint64
	if err := tx.QueryRow(ctx, `SELECT CASE WHEN EXISTS (SELECT FROM events WHERE transaction_id = '1')
		OR EXISTS (SELECT FROM watermill_outbox WHERE transaction_id = '1') THEN '2'::xid8 ELSE '1'::xid8 END`).Scan(&id); err != nil {
		return a, err
	}
	for _, step := range []struct {
		sql  string
		into *int64
	}{
		// Before the outbox itself: a place is how many rows are up to it.
		{sql: `UPDATE watermill_offsets_outbox o SET last_processed_transaction_id = $1, offset_acked = (
			SELECT count(*) FROM watermill_outbox w
			WHERE (w.transaction_id, w."offset") <= (o.last_processed_transaction_id, coalesce(o.offset_acked, 0)))`},
		{sql: `UPDATE watermill_outbox w SET transaction_id = $1, "offset" = k.number FROM (
			SELECT ctid AS row, row_number() OVER (ORDER BY transaction_id, "offset") AS number FROM watermill_outbox) k
			WHERE w.ctid = k.row`, into: &a.Messages},
		{sql: `ALTER TABLE events DISABLE TRIGGER events_are_append_only`},
		{sql: `ALTER TABLE events ALTER position SET GENERATED BY DEFAULT`},
		{sql: `UPDATE events e SET transaction_id = $1, position = k.number FROM (
			SELECT ctid AS row, row_number() OVER (ORDER BY transaction_id, position) AS number FROM events) k
			WHERE e.ctid = k.row`, into: &a.Events},
		{sql: `ALTER TABLE events ALTER position SET GENERATED ALWAYS`},
		{sql: `ALTER TABLE events ENABLE TRIGGER events_are_append_only`},
	} {
		var arguments []any
		if step.sql[:len("UPDATE")] == "UPDATE" {
			arguments = append(arguments, id)
		}
		tag, err := tx.Exec(ctx, step.sql, arguments...)
		if err != nil {
			return Adopted{}, err
		}
		if step.into != nil {
			*step.into = tag.RowsAffected()
		}
	}
	err = tx.QueryRow(ctx, `SELECT count(*) FROM watermill_outbox w WHERE (w.transaction_id, w."offset") > (
		coalesce((SELECT last_processed_transaction_id FROM watermill_offsets_outbox WHERE consumer_group = 'relay'), '0'),
		coalesce((SELECT offset_acked FROM watermill_offsets_outbox WHERE consumer_group = 'relay'), 0))`).Scan(&a.Unsent)
	return a, err
}

// Native is ErrForeign where the pool's schema was restored from a dump of another cluster and not adopted since.
func Native(ctx context.Context, pool *pgxpool.Pool) error { return checkForeign(ctx, pool) }
