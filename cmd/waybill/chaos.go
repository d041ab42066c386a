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
