package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"waybill.dev/cmd/waybill/demo"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/up"
)

type demoCommand struct {
	onSuite
	Patience time.Duration `help:"How long an order may take to come to its end." default:"2m"`
}

// errDiffers needs no words of its own: the table has them.
var errDiffers = errors.New("not every order came to what was to happen")

func (c *demoCommand) Run(ctx context.Context, t terminal) error {
	running, err := suite.Find(ctx, c.Suite)
	if errors.Is(err, suite.ErrNotRunning) && c.Suite == suite.DefaultURL {
		own, startErr := c.start(ctx, t)
		if startErr != nil {
			return startErr
		}
		defer func() { _ = own.Stop() }() // it keeps nothing
		running, err = own.Description(), nil
	}
	if err != nil {
		return err
	}
	out, isFile := t.out.(*os.File)
	all, err := demo.Run(ctx, demo.Config{
		Suite: running, Out: t.out, Patience: c.Patience, Redraw: isFile && term.IsTerminal(int(out.Fd())),
	})
	if err == nil && !all {
		err = errDiffers
	}
	return err
}

// start runs a suite for the demo alone.
func (c *demoCommand) start(ctx context.Context, t terminal) (*up.Suite, error) {
	fmt.Fprintf(t.out, "No suite runs at %s: one is started for the demo.\n", c.Suite)
	return up.Start(ctx, up.Config{
		Ephemeral: true, RandomPorts: true, PickUpAfter: time.Second, DeliverAfter: time.Second, Version: version(),
		Progress: func(what string) { fmt.Fprintln(t.out, what, "…") },
	})
}
