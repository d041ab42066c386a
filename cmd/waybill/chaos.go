package main

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"waybill.dev/cmd/waybill/chaos"
)

type chaosCommand struct {
	Duration time.Duration `help:"How long faults come." default:"3m"`
	Seed     uint64        `help:"Which faults come, when, and where; drawn unless given." placeholder:"N"`
	Rate     float64       `help:"How many orders are placed a second." default:"10"`
	JSON     string        `help:"Write the report to this file." type:"path" placeholder:"FILE"`
	Binaries string        `help:"Folder with the programs of a chaos build (make chaos)." type:"path" default:"bin/chaos" placeholder:"DIR"`
}

// Help is told by --help.
func (chaosCommand) Help() string {
	return `Starts two processes of each service, PostgreSQL, Apache Kafka and the simulators, places orders, and meanwhile kills
and pauses services and the leaders of their outboxes, kills PostgreSQL and Kafka, ends database sessions, delays, resets
and half-closes the connections to PostgreSQL, Kafka, the provider and the carrier, fills PostgreSQL's disk, and puts
services' clocks forward and back. Then it stops, starts what does not run, gives everything 90 s to come to rest, and
does what "waybill verify --at-rest" does.

A disk can be filled where mounting is allowed in a mount namespace of one's own; clocks can be set in programs that are
built with the tag "chaos". What cannot be run is counted as such. The same seed has the same faults come at the same
times; what comes of them also hangs on the machine.

Exit status: 0 if nothing is wrong, 1 otherwise. The folder with logs and data is kept then, and named.`
}

var errChaos = errors.New("what must hold at rest does not")

func (c *chaosCommand) Run(ctx context.Context, t terminal) error {
	config := chaos.Config{
		Binaries: c.Binaries, Duration: c.Duration, Seed: c.Seed, Rate: c.Rate, Version: version(), Log: t.err,
	}
	if config.Seed == 0 {
		config.Seed = rand.Uint64()
	}
	if err := config.Validate(); err != nil {
		return err
	}
	if status, ran, err := chaos.InNamespace(ctx); ran || err != nil {
		return cmp.Or(err, error(exitStatus(status)))
	}
	report, err := chaos.Run(ctx, config)
	if err != nil {
		return err
	}
	report.Print(t.out)
	if c.JSON != "" {
		if err := writeJSON(c.JSON, report); err != nil {
			return err
		}
	}
	if !report.Clean {
		return errChaos
	}
	return nil
}
