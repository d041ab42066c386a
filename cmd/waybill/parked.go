package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/messaging"
	"waybill.dev/platform/postgres"

	"waybill.dev/cmd/waybill/plain"
	"waybill.dev/cmd/waybill/suite"
)

// parkedCommands work on the databases of the services, so that these need not run.
type parkedCommands struct {
	List    parkedListCommand    `cmd:"" default:"withargs" help:"List parked messages, the newest first."`
	Show    parkedShowCommand    `cmd:"" help:"Show a parked message whole, with what was done about it."`
	Redrive parkedRedriveCommand `cmd:"" help:"Have parked messages handled again, in their order. The services do so as soon as they run."`
	Discard parkedDiscardCommand `cmd:"" help:"Give parked messages up. They are kept, and never handled; what waits for them goes on."`
}

// parkedFilter says which messages are meant.
type parkedFilter struct {
	operator
	Service string `help:"Only of this service: ${services}." enum:",${services}" default:"" placeholder:"NAME"`
	Tenant  string `help:"Only of this tenant." placeholder:"NAME"`
	Subject string `help:"Only about this subject, or with this Kafka key: an order's id." placeholder:"ID"`
	Error   string `help:"Only with this in the error, or of this class: transient, permanent, bug." placeholder:"TEXT"`
	Since   since  `help:"Only parked since then: how long ago (90s, 1h), or a time (2026-03-01T12:00:00Z)." placeholder:"WHEN"`
	Until   since  `help:"Only parked until then." placeholder:"WHEN"`
}

// filter is what is asked of each database.
func (f parkedFilter) filter(state messaging.State) messaging.Filter {
	return messaging.Filter{State: state, Tenant: f.Tenant, Subject: f.Subject, Error: f.Error, Since: f.Since.Time, Until: f.Until.Time}
}

// names says whether the filter means less than everything.
func (f parkedFilter) names() bool {
	return f.Service+f.Tenant+f.Subject+f.Error != "" || !f.Since.IsZero() || !f.Until.IsZero()
}

// each does something in the database of each service that is meant.
func (f parkedFilter) each(ctx context.Context, do func(service string, pool *pgxpool.Pool) error) error {
	logins, err := f.databases(ctx, f.Service)
	if err != nil {
		return err
	}
	for _, service := range suite.ServiceNames() {
		if logins[service] == "" {
			continue
		}
		if err := inDatabase(ctx, service, logins[service], func(pool *pgxpool.Pool) error { return do(service, pool) }); err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
	}
	return nil
}

func inDatabase(ctx context.Context, service, login string, do func(*pgxpool.Pool) error) error {
	pool, err := postgres.Open(ctx, login, postgres.Options{Service: service, MaxConns: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	return do(pool)
}

// readParked reads all that the filter means, page by page.
func readParked(ctx context.Context, pool *pgxpool.Pool, filter messaging.Filter) ([]messaging.Parked, error) {
	const page = 200
	var all []messaging.Parked
	for after := (*messaging.Cursor)(nil); ; {
		messages, err := messaging.List(ctx, pool, filter, page, after)
		if err != nil {
			return nil, err
		}
		all = append(all, messages...)
		if len(messages) < page {
			return all, nil
		}
		last := messages[len(messages)-1]
		after = &messaging.Cursor{ParkedAt: last.ParkedAt, ID: last.ID}
	}
}

type parkedListCommand struct {
	parkedFilter
	asJSON
	State string `help:"Of which nothing has become yet (parked), or that have ended: ${enum}." enum:"parked,redriven,discarded,all" default:"parked"`
}

// listed is a parked message with the service that has parked it.
type listed struct {
	Service string `json:"service"`
	messaging.Parked
}

// Run lists where the messages came from and why they were parked; what is in them may be anybody's address.
func (c *parkedListCommand) Run(ctx context.Context, t terminal) error {
	state := messaging.State(c.State)
	if c.State == "all" {
		state = ""
	}
	all := []listed{} // as JSON it is a list also where it is empty
	err := c.each(ctx, func(service string, pool *pgxpool.Pool) error {
		messages, err := readParked(ctx, pool, c.filter(state))
		for _, m := range messages {
			all = append(all, listed{service, m})
		}
		return err
	})
	switch {
	case len(all) > 0 && !c.JSON: // also where another service's database is away
		return errors.Join(err, printParked(t.out, all))
	case err != nil:
		return err
	case c.JSON:
		return printJSON(t.out, all)
	case c.names() || c.State != string(messaging.StateParked):
		fmt.Fprintln(t.out, "No parked message is meant by this.")
	default:
		fmt.Fprintln(t.out, "No message is parked.")
	}
	return nil
}

func printParked(out io.Writer, all []listed) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSERVICE\tPARKED AT\tSTATE\tTENANT\tSUBJECT\tTOPIC\tPLACE\tMESSAGE\tTRIES\tCLASS\tERROR")
	for _, m := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", m.ID, m.Service, m.ParkedAt.UTC().Format(time.RFC3339), stateOf(m.Parked),
			plain.Line(m.Tenant), plain.Line(m.Subject), plain.Line(m.Topic), placeOf(m.Parked), plain.Line(m.MessageID), m.Tries, classOf(m.Parked), plain.Line(m.Error))
	}
	return table.Flush()
}

// stateOf is a message's state, with what it waits for.
func stateOf(m messaging.Parked) string {
	switch {
	case m.State != messaging.StateParked:
		return string(m.State)
	case m.Waiting:
		return "waiting"
	case m.RedriveAt != nil:
		return "to be redriven"
	}
	return string(m.State)
}

func placeOf(m messaging.Parked) string {
	if m.Partition == nil || m.Offset == nil {
		return "-"
	}
	return fmt.Sprintf("%d/%d", *m.Partition, *m.Offset)
}

func classOf(m messaging.Parked) string {
	if m.Waiting {
		return "-"
	}
	return string(m.Class)
}

// oldestFirst is the order in which messages are dealt with.
func oldestFirst(messages []messaging.Parked) []messaging.Parked {
	slices.Reverse(messages)
	return messages
}
