package verify

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgerr"
	"waybill.dev/platform/postgres"
)

// schema is a service's schema, as it was at one moment.
type schema struct {
	service    string
	connection *pgx.Conn
	tx         pgx.Tx
	mark       mark
}

// connect logs in to a service's database, to read and nothing else.
func connect(ctx context.Context, service, login string) (*schema, error) {
	config, err := pgx.ParseConfig(login)
	if err != nil {
		return nil, fmt.Errorf("database of %s: the URL cannot be read: it has the form postgres://user:password@host:port/database", service)
	}
	for name, value := range map[string]string{
		"search_path": service, "application_name": "waybill verify", "TimeZone": "UTC",
		"default_transaction_read_only": "on",
		// It reads for as long as it takes, and waits for its own files meanwhile.
		"statement_timeout": "0", "idle_in_transaction_session_timeout": "0", "lock_timeout": "5s",
	} {
		config.RuntimeParams[name] = value
	}
	config.ConnectTimeout = 5 * time.Second
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("database of %s: %w", service, err)
	}
	return &schema{service: service, connection: connection}, nil
}

func (s *schema) close(ctx context.Context) { _ = s.connection.Close(context.WithoutCancel(ctx)) }

// now is what time it is by the database's clock: deadlines are judged by that of orders' own, and the clock of the machine
// that audits may be off.
func (s *schema) now(ctx context.Context) (time.Time, error) {
	now, err := postgres.Now(ctx, s.connection)
	if err != nil {
		err = fmt.Errorf("database of %s: %w", s.service, err)
	}
	return now, err
}

// setMark notes which transactions are over.
func (s *schema) setMark(ctx context.Context) error {
	var text string
	if err := s.connection.QueryRow(ctx, "SELECT pg_current_snapshot()::text").Scan(&text); err != nil {
		return fmt.Errorf("database of %s: %w", s.service, err)
	}
	var err error
	s.mark, err = parseMark(text)
	return err
}

// hasJustStarted says whether the service works for less than a time, by its oldest session. Where none is to be seen,
// because the service is away or the login may not look, it says no.
func (s *schema) hasJustStarted(ctx context.Context, less time.Duration) (just bool, err error) {
	err = s.connection.QueryRow(ctx, `SELECT coalesce(min(backend_start) > clock_timestamp() - $1::interval, false)
		FROM pg_stat_activity WHERE datname = current_database() AND application_name = $2`, less, "waybill "+s.service).Scan(&just)
	if err != nil {
		err = fmt.Errorf("database of %s: %w", s.service, err)
	}
	return just, err
}

// begin takes the snapshot. It is postgres.ErrForeign where the snapshot sees facts of transactions that are yet to come.
func (s *schema) begin(ctx context.Context) (err error) {
	s.tx, err = s.connection.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	foreign := false
	if err == nil {
		err = s.tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM events WHERE transaction_id >= pg_snapshot_xmax(pg_current_snapshot()))").Scan(&foreign)
	}
	if pgerr.Missing(err) {
		return fmt.Errorf("database of %s: there is no schema of it, or the login may not read it", s.service)
	}
	if err != nil {
		return fmt.Errorf("database of %s: %w", s.service, err)
	}
	if foreign { // each fact would pass for one that is being written
		return fmt.Errorf("database of %s: %w", s.service, postgres.ErrForeign)
	}
	return nil
}

// mark is a snapshot of PostgreSQL's, "xmin:xmax:xip,xip": what was over when it was taken.
type mark struct {
	least, next uint64
	under       []uint64
}

func parseMark(text string) (m mark, err error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) != 3 {
		return m, fmt.Errorf("%q is no snapshot", text)
	}
	numbers := append(parts[:2:2], strings.FieldsFunc(parts[2], func(r rune) bool { return r == ',' })...)
	for i, part := range numbers {
		n, err := strconv.ParseUint(part, 10, 64)
		if err != nil {
			return m, fmt.Errorf("%q is no snapshot", text)
		}
		switch i {
		case 0:
			m.least = n
		case 1:
			m.next = n
		default:
			m.under = append(m.under, n)
		}
	}
	return m, nil
}

// over says whether the transaction had been committed.
func (m mark) over(transaction uint64) bool {
	return transaction < m.least || transaction < m.next && !slices.Contains(m.under, transaction)
}

// read hands out every row that a query has. The values are the row's only until the next one.
func (s *schema) read(ctx context.Context, sql string, take func(values [][]byte) error) error {
	rows, err := s.tx.Query(ctx, sql, pgx.QueryResultFormats{pgx.BinaryFormatCode})
	if err != nil {
		return fmt.Errorf("database of %s: %w", s.service, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows.RawValues()); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("database of %s: %w", s.service, err)
	}
	return nil
}

// What PostgreSQL sends is in its binary form.
func toInt(value []byte) int64 { return int64(binary.BigEndian.Uint64(value)) }

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func toTime(value []byte) time.Time {
	micros := toInt(value)
	return epoch.Add(time.Duration(micros/1_000_000) * time.Second).Add(time.Duration(micros%1_000_000) * time.Microsecond)
}

func fromTime(value []byte) int64 {
	if value == nil {
		return noTime
	}
	return toInt(value)
}

// noTime stands for NULL.
const noTime = -1 << 62

func micros(n int64) time.Time {
	return epoch.Add(time.Duration(n/1_000_000) * time.Second).Add(time.Duration(n%1_000_000) * time.Microsecond)
}

// readSchema reads what concerns orders, into the spill.
func (a *auditor) readSchema(ctx context.Context, s *schema) error {
	steps := []func(context.Context, *schema) error{a.readFacts, a.readStreams, a.readUnsent, a.readParked, a.readJobs}
	switch s.service {
	case suite.Orders:
		steps = append(steps, a.readOrderRows)
	case suite.Shipping:
		steps = append(steps, a.readOpenParcels)
	}
	for _, step := range steps {
		if err := step(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// readFacts reads the facts of orders. Those of shelves are read in their order, later.
func (a *auditor) readFacts(ctx context.Context, s *schema) error {
	var p packer
	service := int64(slices.Index(suite.ServiceNames(), s.service))
	return s.read(ctx, `SELECT stream, version, id, kind, data, at, causation_id, transaction_id, position FROM events
		WHERE split_part(stream, '/', 2) NOT IN ('stock', 'receipt')`, func(v [][]byte) error {
		a.count(&a.report.Facts)
		tenant, rest, _ := strings.Cut(string(v[0]), "/")
		category, id, _ := strings.Cut(rest, "/")
		p.reset().number(service)
		p.text(category)
		p.number(toInt(v[1]))
		p.bytes(v[2])
		p.bytes(v[3])
		p.bytes(v[4])
		p.number(toInt(v[5]))
		p.bytes(v[6])
		p.number(toInt(v[7]))
		p.number(toInt(v[8]))
		return a.spill.add(tenant+"/"+id, aFact, p)
	})
}

// readStreams reads which streams the service lists.
func (a *auditor) readStreams(ctx context.Context, s *schema) error {
	var p packer
	service := int64(slices.Index(suite.ServiceNames(), s.service))
	return s.read(ctx, "SELECT tenant, id, category FROM streams WHERE category NOT IN ('stock', 'receipt')", func(v [][]byte) error {
		p.reset().number(service)
		p.bytes(v[2])
		return a.spill.add(string(v[0])+"/"+string(v[1]), aStream, p)
	})
}

// readUnsent reads which messages the outbox holds and the relay has not sent.
func (a *auditor) readUnsent(ctx context.Context, s *schema) error {
	var p packer
	return s.read(ctx, `SELECT coalesce(metadata->>'ce_tenantid', ''), coalesce(metadata->>'ce_subject', ''), coalesce(metadata->>'ce_id', '')
		FROM watermill_outbox WHERE (transaction_id, "offset") > (
			coalesce((SELECT last_processed_transaction_id FROM watermill_offsets_outbox WHERE consumer_group = 'relay'), '0'),
			coalesce((SELECT offset_acked FROM watermill_offsets_outbox WHERE consumer_group = 'relay'), 0))`, func(v [][]byte) error {
		p.reset().bytes(v[2])
		return a.spill.add(string(v[0])+"/"+string(v[1]), anUnsent, p)
	})
}

// readJobs reads the jobs that are not done. Several may share a row. River's discarded rows are taken up again.
func (a *auditor) readJobs(ctx context.Context, s *schema) error {
	var p packer
	return s.read(ctx, `SELECT coalesce(job->>'tenant', ''), coalesce(job->>'subject', ''), kind, coalesce(job->'args', 'null')::text
		FROM river_job, jsonb_array_elements(CASE jsonb_typeof(args->'jobs') WHEN 'array' THEN args->'jobs' END) AS job
		WHERE state NOT IN ('completed', 'cancelled')`, func(v [][]byte) error {
		p.reset().bytes(v[2])
		p.bytes(v[3])
		return a.spill.add(string(v[0])+"/"+string(v[1]), aJob, p)
	})
}

func (a *auditor) readOrderRows(ctx context.Context, s *schema) error {
	var p packer
	return s.read(ctx, `SELECT tenant, id, customer_id, status, attention, total_amount, total_currency, placed_at, updated_at,
		coalesce(next_step, ''), due_at FROM orders`, func(v [][]byte) error {
		p.reset().bytes(v[2])
		p.bytes(v[3])
		p.bytes(v[4])
		p.number(toInt(v[5]))
		p.bytes(v[6])
		p.number(toInt(v[7]))
		p.number(toInt(v[8]))
		p.bytes(v[9])
		p.number(fromTime(v[10]))
		return a.spill.add(string(v[0])+"/"+string(v[1]), anOrderRow, p)
	})
}

func (a *auditor) readOpenParcels(ctx context.Context, s *schema) error {
	var p packer
	return s.read(ctx, "SELECT tenant, order_id, booking_id FROM open_parcels", func(v [][]byte) error {
		p.reset().bytes(v[2])
		return a.spill.add(string(v[0])+"/"+string(v[1]), anOpenParcel, p)
	})
}

// readParked reads what has not been handled to this day: what is parked or was given up. What does not tell whose it
// is belongs to nobody, and is told all the same.
func (a *auditor) readParked(ctx context.Context, s *schema) error {
	var p packer
	return s.read(ctx, `SELECT tenant, subject, topic, coalesce(partition, -1)::bigint, coalesce("offset", -1), message_id, event_type, error, parked_at, state
		FROM parked_messages WHERE state <> 'redriven'`, func(v [][]byte) error {
		m := Parked{
			Service: s.service, Tenant: string(v[0]), Order: string(v[1]), Topic: string(v[2]), MessageID: string(v[5]),
			EventType: string(v[6]), Error: string(v[7]), ParkedAt: toTime(v[8]), State: messaging.State(v[9]),
		}
		a.park(m, int32(toInt(v[3])), toInt(v[4]))
		if m.Tenant == "" || m.Order == "" {
			return nil
		}
		p.reset().text(s.service)
		p.text(m.MessageID)
		p.flag(m.State == messaging.StateParked)
		return a.spill.add(m.Tenant+"/"+m.Order, aParked, p)
	})
}
