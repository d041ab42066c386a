package main

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/term"

	"waybill.dev/cmd/waybill/bench"
	"waybill.dev/cmd/waybill/suite"
)

type benchCommand struct {
	onSuite
	Orders      int           `help:"How many orders to place." default:"1000"`
	WarmUp      *int          `help:"How many orders to place before, unmeasured; 500 with --start, and none without." placeholder:"N"`
	Concurrency int           `help:"How many orders are under way at most." default:"128"`
	Rate        float64       `help:"Place this many orders a second, whatever becomes of those before." placeholder:"R"`
	SKUs        int           `name:"skus" help:"Over how many SKUs the orders are spread." default:"100"`
	Patience    time.Duration `help:"How long nothing may complete before the run is given up." default:"60s"`
	JSON        string        `help:"Write the report to this file." type:"path" placeholder:"FILE"`
	Start       bool          `help:"First start PostgreSQL, Apache Kafka, the simulators and the services as processes, and stop them after."`
	Binaries    string        `help:"Folder with the services' programs, for --start." type:"path" default:"bin" placeholder:"DIR"`
}

// warmUp is enough for Kafka's code to be compiled.
const warmUp = 500

var errBench = errors.New("not every order completed, or the books do not agree")

func (c *benchCommand) Run(ctx context.Context, t terminal) (err error) {
	config := bench.Config{Orders: c.Orders, Concurrency: c.Concurrency, Rate: c.Rate, SKUs: c.SKUs, Patience: c.Patience}
	switch {
	case c.WarmUp != nil:
		config.WarmUp = *c.WarmUp
	case c.Start:
		config.WarmUp = warmUp
	}
	if err := config.Validate(); err != nil {
		return err
	}
	if file, ok := t.err.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		config.Progress = t.err
	}
	var running suite.Description
	if c.Start {
		own, failed := bench.Start(ctx, c.Binaries, version())
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, own.Stop()) }() // the named result: an err of this block would be lost
		running = own.Description()
	} else if running, err = suite.Find(ctx, c.Suite); err != nil {
		return err
	}
	report, err := bench.Run(ctx, config, running)
	if err != nil {
		return err
	}
	report.Print(t.out)
	if c.JSON != "" {
		if err := writeJSON(c.JSON, report); err != nil {
			return err
		}
	}
	if !report.OK() {
		return errBench
	}
	return nil
}
