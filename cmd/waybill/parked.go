package main

import (
	"context"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"waybill.dev/platform/messaging"
	"waybill.dev/platform/postgres"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
)

type parkedCommand struct {
	operator
	Service string `help:"Only of this service: ${services}." enum:",${services}" default:"" placeholder:"NAME"`
	Tenant  string `help:"Only of this tenant, as the running services tell it. Without one the databases are asked for everybody's, and for those that do not tell whose they are." placeholder:"NAME"`
}

// Run lists where the messages came from and why they were parked; what is in them may be anybody's address.
func (c *parkedCommand) Run(ctx context.Context, t terminal) error {
	read, services, err := c.source(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	count := 0
	for _, service := range services {
		messages, err := read(service)
		if err != nil {
			return err
		}
		for _, m := range messages {
			if count++; count == 1 {
				fmt.Fprintln(table, "SERVICE\tPARKED AT\tTENANT\tSUBJECT\tTOPIC\tPLACE\tMESSAGE\tERROR")
			}
			place := "-"
			if m.Partition != nil && m.Offset != nil {
				place = fmt.Sprintf("%d/%d", *m.Partition, *m.Offset)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", service, m.ParkedAt.UTC().Format(time.RFC3339),
				printable(m.Tenant), printable(m.Subject), printable(m.Topic), place, printable(m.MessageID), printable(m.Error))
		}
	}
	if count == 0 {
		fmt.Fprintln(t.out, "No message is parked.")
	}
	return table.Flush()
}

// source is how to read a service's parked messages, and of which services.
func (c *parkedCommand) source(ctx context.Context) (func(service string) ([]client.Parked, error), []string, error) {
	if c.Tenant != "" {
		running, err := suite.Find(ctx, c.Suite)
		if err != nil {
			return nil, nil, err
		}
		services := suite.ServiceNames()
		if c.Service != "" {
			services = []string{c.Service}
		}
		asking := client.New(running).ForTenant(c.Tenant)
		return func(service string) ([]client.Parked, error) { return asking.Parked(ctx, service) }, services, nil
	}
	logins, err := c.databases(ctx, c.Service)
	if err != nil {
		return nil, nil, err
	}
	services := slices.DeleteFunc(suite.ServiceNames(), func(name string) bool { return logins[name] == "" })
	return func(service string) ([]client.Parked, error) { return parkedIn(ctx, service, logins[service]) }, services, nil
}

// parkedIn reads everybody's parked messages from a service's database.
func parkedIn(ctx context.Context, service, login string) ([]client.Parked, error) {
	const page = 200
	pool, err := postgres.Open(ctx, login, postgres.Options{Service: service, MaxConns: 1})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", service, err)
	}
	defer pool.Close()
	var all []client.Parked
	for after := (*messaging.Cursor)(nil); ; {
		messages, err := messaging.List(ctx, pool, "", page, after)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", service, err)
		}
		for _, m := range messages {
			all = append(all, client.Parked(m))
		}
		if len(messages) < page {
			return all, nil
		}
		last := messages[len(messages)-1]
		after = &messaging.Cursor{ParkedAt: last.ParkedAt, ID: last.ID}
	}
}

// printable keeps a line a line: what is in a message's headers may be anything.
func printable(s string) string {
	if s == "" {
		return "-"
	}
	quoted := fmt.Sprintf("%+q", s)
	return quoted[1 : len(quoted)-1]
}
