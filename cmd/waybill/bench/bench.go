// Package bench measures how fast a running suite carries orders to their end, and whether all books agree then.
package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
)

// Config says what is measured.
type Config struct {
	// Orders is how many orders are placed and measured.
	Orders int
	// WarmUp is how many are placed before, and not measured: Java compiles what is run often, and statements are
	// prepared when they come first.
	WarmUp int
	// Concurrency is how many orders are under way at most: placed, and not yet completed.
	Concurrency int
	// Rate is how many orders are placed a second, whatever becomes of those before (an open loop); 0 places the
	// next as soon as Concurrency allows it (a closed loop).
	Rate float64
	// SKUs is over how many SKUs the orders are spread.
	SKUs int
	// Patience is how long nothing may complete before the run is given up.
	Patience time.Duration
	// Progress gets a progress bar; nil for none.
	Progress io.Writer
}

// Validate names what cannot be measured.
func (c Config) Validate() error {
	var errs []error
	if c.Orders < 1 {
		errs = append(errs, errors.New("--orders must be 1 or more"))
	}
	if c.Concurrency < 1 {
		errs = append(errs, errors.New("--concurrency must be 1 or more"))
	}
	if c.WarmUp < 0 {
		errs = append(errs, errors.New("--warm-up must not be negative"))
	}
	if c.Rate < 0 {
		errs = append(errs, errors.New("--rate must not be negative"))
	}
	if c.SKUs < 1 {
		errs = append(errs, errors.New("--skus must be 1 or more"))
	}
	return errors.Join(errs...)
}

// Run places the orders, waits for their ends, and reads the books. An error says that it could not measure; that
// orders did not complete, or that books disagree, is in the report.
func Run(ctx context.Context, c Config, d suite.Description) (Report, error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	shop := client.New(d)
	defer shop.Close()
	if c.WarmUp > 0 {
		warm := c
		warm.Orders, warm.WarmUp, warm.Rate, warm.Progress = c.WarmUp, 0, 0, nil
		if r, err := measure(ctx, warm, newTenant(shop), d); err != nil || !r.OK() {
			return r, err
		}
	}
	return measure(ctx, c, newTenant(shop), d)
}

// newTenant is a shop of which nobody has heard.
func newTenant(shop *client.Client) *client.Client {
	return shop.ForTenant("bench-" + strings.ToLower(rand.Text()[:10]))
}

func measure(ctx context.Context, c Config, shop *client.Client, d suite.Description) (Report, error) {
	received, err := stock(ctx, c, shop)
	if err != nil {
		return Report{}, fmt.Errorf("stock the shelves: %w", err)
	}

	before := cpuSeconds(d.Processes)
	l := newLoad(c, shop)
	if err := l.run(ctx); err != nil {
		return Report{}, err
	}
	after := cpuSeconds(d.Processes)

	report, err := l.report(ctx)
	if err != nil {
		return Report{}, err
	}
	report.addCPU(before, after)
	report.BooksDisagree, err = disagreements(ctx, shop, l.placed, received)
	if err != nil {
		return Report{}, fmt.Errorf("read the books: %w", err)
	}
	report.BooksAgree = len(report.BooksDisagree) == 0
	return report, nil
}

// stock puts enough on each shelf that no order is refused, and returns how much that is in all.
func stock(ctx context.Context, c Config, shop *client.Client) (int64, error) {
	each := int64(c.Orders/c.SKUs + 1)
	for i := range c.SKUs {
		if _, err := shop.Receive(ctx, sku(i), each, "bench"); err != nil {
			return 0, err
		}
	}
	return each * int64(c.SKUs), nil
}

func sku(i int) string { return fmt.Sprintf("BENCH-%04d", i) }
