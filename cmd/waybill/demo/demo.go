// Package demo sends an order each way that it can go through a suite, shows it on its way, and tells what became of it.
package demo

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/ways"
)

const (
	// Tenant is the shop of the demo's orders.
	Tenant = "demo"
	// TenantAtOnce is a shop whose money is captured at once. A suite must be told so by its tenants file, as one
	// run by `waybill up` is unless it is given another.
	TenantAtOnce = "demo-at-once"
	// TenantHurried is a shop whose parcels must be picked up within ways.ShipmentDeadline; likewise.
	TenantHurried = "demo-hurried"
)

// Config says what is shown, and where.
type Config struct {
	Suite suite.Description
	// Out gets a line for each fact of each order, and the table at the end.
	Out io.Writer
	// Redraw shows one line for each order instead, and draws it anew with each fact: Out is a terminal.
	Redraw bool
	// Patience is how long an order may take to come to its end.
	Patience time.Duration
}

// Result is what became of one order.
type Result struct {
	Way   ways.Way
	Order string
	Got   ways.Outcome
	// Err is why the order did not come to what its way wants; nil where it did.
	Err error
}

// Run sends the orders, all at the same time, and waits for their ends. It says whether every one came to what was
// to happen.
func Run(ctx context.Context, c Config) (bool, error) {
	shop := client.New(c.Suite)
	defer shop.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, c.Patience, fmt.Errorf("not at rest after %s", c.Patience))
	defer cancel()

	all := ways.All()
	walks := make([]*ways.Walk, len(all))
	for i, way := range all {
		tenant := Tenant
		switch {
		case way.CaptureAtOnce:
			tenant = TenantAtOnce
		case way.Hurried:
			tenant = TenantHurried
		}
		walk, err := ways.Place(ctx, way, shop.ForTenant(tenant))
		if err != nil {
			return false, fmt.Errorf("place the order %q: %w", way.Name, err)
		}
		walks[i] = walk
	}

	watching, stopWatching := context.WithCancel(ctx)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		newShow(c, walks).run(watching)
	}()
	results := make([]Result, len(walks))
	var walking sync.WaitGroup
	for i, walk := range walks {
		walking.Go(func() {
			got, err := walk.Finish(ctx)
			results[i] = Result{Way: walk.Way, Order: walk.Order, Got: got, Err: err}
		})
	}
	walking.Wait()
	stopWatching()
	<-shown
	return table(c.Out, results)
}
