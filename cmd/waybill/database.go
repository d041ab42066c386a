package main

import (
	"context"
	"errors"
	"fmt"

	"waybill.dev/platform/postgres"

	"waybill.dev/cmd/waybill/suite"
)

type databaseCommands struct {
	Adopt adoptCommand `cmd:"" help:"Make a database that was restored from a dump fit for the PostgreSQL cluster that it is in now."`
}

type adoptCommand struct {
	Postgres string `help:"Login to the restored database: an administrator's, or with --service the schema owner's." required:"" env:"WAYBILL_POSTGRES" placeholder:"URL"`
	Service  string `help:"Only the schema of this service: ${services}." enum:",${services}" default:"" placeholder:"NAME"`
}

// Help is told by --help.
func (adoptCommand) Help() string {
	return `Run it once for each database after pg_restore, before the services are started; they refuse to start where it is needed
and was not done.

Facts and the outbox are ordered by the transactions that wrote them, and a dump takes the numbers of these along. In a
cluster that has not come as far, what was not sent would never be, and what is new would come before what is old. So all
rows are numbered anew, in their order: what was sent stays sent, what was not waits. Where nothing has to be done, and on
a second run, nothing is changed. A schema whose service is connected is refused.

Each fact is written once more: it takes about as long, and for the time as much room, as the restore did.`
}

func (c *adoptCommand) Run(ctx context.Context, t terminal) error {
	services := suite.ServiceNames()
	if c.Service != "" {
		services = []string{c.Service}
	}
	var failed []error
	for _, service := range services {
		adopted, err := postgres.Adopt(ctx, c.Postgres, service)
		switch {
		case err != nil:
			failed = append(failed, err)
		case !adopted.Foreign:
			fmt.Fprintf(t.out, "%s: nothing has to be done.\n", service)
		default:
			fmt.Fprintf(t.out, "%s: adopted %d facts and %d messages of the outbox, of which %d wait to be sent.\n",
				service, adopted.Events, adopted.Messages, adopted.Unsent)
		}
	}
	return errors.Join(failed...)
}
