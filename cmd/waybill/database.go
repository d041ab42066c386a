package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"waybill.dev/platform/postgres"

	"waybill.dev/cmd/waybill/offsets"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/up"
)

type databaseCommands struct {
	Adopt adoptCommand `cmd:"" help:"Make a database that was restored from a dump fit for the PostgreSQL cluster that it is in now."`
}

type adoptCommand struct {
	Postgres string   `help:"Login to the restored database: an administrator's, or with --service the schema owner's." required:"" env:"WAYBILL_POSTGRES" placeholder:"URL"`
	Kafka    []string `help:"Kafka brokers of the services." required:"" xor:"kafka" env:"KAFKA_BROKERS" placeholder:"HOST:PORT"`
	Data     string   `help:"Instead of --kafka the data folder of a suite of waybill up that had no other brokers. It must not run." required:"" xor:"kafka" type:"path" placeholder:"DIR"`
	Prefix   string   `help:"Stands before the names of topics and consumer groups." env:"PUBLISH_PREFIX"`
	Service  string   `help:"Only the schema of this service: ${services}." enum:",${services}" default:"" placeholder:"NAME"`
}

// Help is told by --help.
func (adoptCommand) Help() string {
	return `Run it once for each database after pg_restore, before the services are started; they refuse to start where it is needed
and was not done.

Facts and the outbox are ordered by the transactions that wrote them, and a dump takes the numbers of these along. In a
cluster that has not come as far, what was not sent would never be, and what is new would come before what is old. So all
rows are numbered anew, in their order: what was sent stays sent, what was not waits.

Where the services worked on after the dump was taken, Kafka knows that they have heard more than the database does. So each
service's consumer group is set back to the first message of each partition that the database does not know. What comes
after it and is known has no effect again. No group is ever set forward.

Where nothing has to be done, and on a second run, nothing is changed. A schema whose service is connected is refused, and so
is a group that somebody is in.

Each fact is written once more: it takes about as long, and for the time as much room, as the restore did. And what came to
Kafka in the time for which the inbox is kept is read once for each service that has heard it.`
}

func (c *adoptCommand) Run(ctx context.Context, t terminal) error {
	if c.Data == "" {
		return c.adopt(ctx, t, c.Kafka)
	}
	own, err := up.StartBroker(c.Data)
	if err != nil {
		return err
	}
	return errors.Join(c.adopt(ctx, t, own.Brokers()), own.Stop())
}

func (c *adoptCommand) adopt(ctx context.Context, t terminal, brokers []string) error {
	kafka, err := offsets.Open(brokers, "waybill-adopt")
	if err != nil {
		return err
	}
	defer kafka.Close()
	if err := kafka.Ping(ctx); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	services := suite.ServiceNames()
	if c.Service != "" {
		services = []string{c.Service}
	}
	var failed []error
	for _, service := range services {
		var missed int64
		adopted, err := postgres.Adopt(ctx, c.Postgres, service, func(ctx context.Context, tx pgx.Tx) (err error) {
			missed, err = offsets.SetBack(ctx, tx, kafka, c.Prefix, service)
			return err
		})
		if missed > 0 {
			fmt.Fprintf(t.out, "%s: its group is set back: %d messages that had been heard are not known.\n", service, missed)
		}
		switch {
		case err != nil:
			failed = append(failed, err)
		case adopted.Foreign:
			fmt.Fprintf(t.out, "%s: adopted %d facts and %d messages of the outbox, of which %d wait to be sent.\n",
				service, adopted.Events, adopted.Messages, adopted.Unsent)
		case missed == 0:
			fmt.Fprintf(t.out, "%s: nothing has to be done.\n", service)
		}
	}
	return errors.Join(failed...)
}
