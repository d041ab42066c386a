package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"waybill.dev/cmd/waybill/client"
)

// price is what each order costs, in minor units.
const price = 1999

// load places orders and sees them end.
type load struct {
	Config
	shop *client.Client
	bar  *progressbar.ProgressBar

	started time.Time
	// slots holds a place for each order that may be under way.
	slots chan struct{}

	mu sync.Mutex
	// open are the orders that have been placed and not been seen to end.
	open      map[string]order
	placed    []order
	completed int
	ended     time.Time // when the last order was seen to complete
	failures  []string  // orders that were not accepted, or ended otherwise
}

// order is one order as the caller saw it.
type order struct {
	id       string
	placedAt time.Time
	// due is when it was to be placed: with an open loop a late submission counts from here.
	due    time.Time
	submit time.Duration
}

func newLoad(c Config, shop *client.Client) *load {
	l := &load{Config: c, shop: shop, open: map[string]order{}, slots: make(chan struct{}, c.Concurrency)}
	if c.Progress != nil {
		l.bar = progressbar.NewOptions(c.Orders, progressbar.OptionSetWriter(c.Progress), progressbar.OptionShowCount(),
			progressbar.OptionSetDescription("orders completed"), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
	}
	return l
}

// run places all orders and returns when each has ended, or when none has for too long.
func (l *load) run(outer context.Context) error {
	ctx, cancel := context.WithCancelCause(outer)
	defer cancel(nil)
	l.started = time.Now()
	l.ended = l.started
	watching := make(chan error, 1)
	go func() {
		err := l.watch(ctx)
		cancel(err) // whoever waits for a slot need not wait any longer
		watching <- err
	}()
	placing := l.placeAll(ctx)
	err := <-watching
	if l.bar != nil {
		_ = l.bar.Finish()
	}
	if err != nil {
		return err
	}
	if outer.Err() == nil {
		return nil // what was not placed, because nothing ended any more, is told by the report
	}
	return placing
}

// placeAll places the orders, each in its own time.
func (l *load) placeAll(ctx context.Context) error {
	var placing sync.WaitGroup
	defer placing.Wait()
	for i := range l.Orders {
		due := time.Now()
		if l.Rate > 0 {
			due = l.started.Add(time.Duration(float64(i) / l.Rate * float64(time.Second)))
			select {
			case <-time.After(time.Until(due)):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		} else {
			select {
			case l.slots <- struct{}{}:
				due = time.Now()
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		placing.Go(func() { l.place(ctx, i, due) })
	}
	return nil
}

func (l *load) place(ctx context.Context, i int, due time.Time) {
	placed, err := l.shop.PlaceOrder(ctx, client.NewOrder{
		Customer:        client.Customer{ID: "bench", Name: "Bench", Email: "bench@customers.invalid"},
		Lines:           []client.Line{{SKU: sku(i % l.SKUs), Name: "Article", Quantity: 1, UnitPrice: client.Money{Amount: price, Currency: "EUR"}}},
		ShippingAddress: client.Address{Name: "Bench", Line1: "1 Main Street", City: "Berlin", PostalCode: "10115", Country: "DE"},
		Payment:         client.Card{Method: "card", Token: "tok_ok"},
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.fail(fmt.Sprintf("order %d was not accepted: %v", i, err))
		return
	}
	o := order{id: placed.ID, placedAt: placed.PlacedAt, due: due, submit: time.Since(due)}
	l.placed = append(l.placed, o)
	l.open[o.id] = o
}

// settle notes that an order has ended. The lock is held.
func (l *load) settle(id, status string) {
	delete(l.open, id)
	if status != client.StatusCompleted {
		l.fail(fmt.Sprintf("order %s ended %s", id, status))
		return
	}
	l.completed++
	l.step()
}

func (l *load) fail(why string) {
	l.failures = append(l.failures, why)
	l.step()
}

// step frees the place of an order that is under way no more.
func (l *load) step() {
	l.ended = time.Now()
	if l.Rate == 0 {
		<-l.slots
	}
	if l.bar != nil {
		_ = l.bar.Add(1)
	}
}
