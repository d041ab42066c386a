package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
)

const (
	skus = 20
	// plenty is more than is ever sold of one SKU; of the scarce one there is soon nothing left.
	plenty, scarce = 1_000_000, 25
	scarceSKU      = "CHAOS-SCARCE"
	// tryTime bounds one try to place an order, at a process that may be paused.
	tryTime = 5 * time.Second
	// watchEvery is how often the orders are looked at.
	watchEvery = 500 * time.Millisecond
)

// load places orders through either process of the orders service, and sees them end.
type load struct {
	world *world
	// doors are clients of the suite, each of which speaks to another process of orders.
	doors   []*client.Client
	running sync.WaitGroup

	mu sync.Mutex
	// open are the orders that have not been seen to end.
	open                           map[string]opened
	asked                          int // orders and cancellations that have not been answered yet
	accepted, completed, cancelled int
	attention                      map[string]string
	longest                        time.Duration
	wrong                          []string
	astray                         []string // orders that were to complete, and were cancelled
}

// opened is an order that was accepted: since when that is known, and whether it is to complete.
type opened struct {
	since    time.Time
	complete bool
}

func newLoad(ctx context.Context, w *world) (*load, error) {
	l := &load{world: w, open: map[string]opened{}, attention: map[string]string{}}
	for _, replica := range replicas(suite.Orders) {
		d := w.suite.Description()
		d.Services[suite.Orders] = w.suite.Process(replica).URL()
		l.doors = append(l.doors, client.New(d))
	}
	for i := range skus {
		if _, err := l.doors[0].Receive(ctx, sku(i), plenty, "chaos"); err != nil {
			return nil, err
		}
	}
	_, err := l.doors[0].Receive(ctx, scarceSKU, scarce, "chaos")
	return l, err
}

func sku(i int) string { return fmt.Sprintf("CHAOS-%02d", i) }

// start places orders at the rate until placing ends. What has been begun goes on until each order is accepted, at most
// until ctx ends.
func (l *load) start(ctx, placing context.Context) {
	l.running.Go(func() {
		tick := time.NewTicker(time.Duration(float64(time.Second) / l.world.config.Rate))
		defer tick.Stop()
		for random := rand.New(rand.NewPCG(l.world.config.Seed, 1)); ; {
			select {
			case <-placing.Done():
				return
			case <-tick.C:
			}
			l.mu.Lock()
			l.asked++
			l.mu.Unlock()
			w := draw(random)
			l.running.Go(func() { l.place(ctx, w) })
		}
	})
	l.running.Go(func() { l.watch(ctx) })
}

func (l *load) wait() {
	l.running.Wait()
	for _, d := range l.doors {
		d.Close()
	}
}

// wish is an order that somebody places.
type wish struct {
	order client.NewOrder
	// complete says that nothing keeps the order from its completion, cancel that it is to be cancelled, a pause after.
	complete, cancel bool
	pause            time.Duration
}

// draw is an order of any kind that comes to rest by itself.
func draw(random *rand.Rand) wish {
	order, complete, cancel := client.NewOrder{
		Customer:        client.Customer{ID: "chaos", Name: "Chaos", Email: "chaos@customers.invalid"},
		Lines:           []client.Line{{SKU: sku(random.IntN(skus)), Name: "Article", Quantity: 1 + random.Int64N(3), UnitPrice: client.Money{Amount: 1999, Currency: "EUR"}}},
		ShippingAddress: client.Address{Name: "Chaos", Line1: "1 Main Street", City: "Berlin", PostalCode: "10115", Country: "DE"},
		Payment:         client.Card{Method: "card", Token: "tok_ok"},
	}, true, false
	switch random.IntN(20) { // the rest is plain
	case 0:
		order.Payment.Token, complete = "tok_declined", false
	case 1:
		order.Payment.Token = "tok_unanswered"
	case 2:
		order.Payment.Token = "tok_fails_once"
	case 3:
		order.ShippingAddress.PostalCode, complete = "99999", false // the carrier refuses
	case 4:
		order.ShippingAddress.PostalCode = "88888" // the carrier does not answer at first
	case 5:
		order.ShippingAddress.PostalCode = "77777" // the carrier's webhooks are lost
	case 6:
		order.Lines[0].SKU, complete = scarceSKU, false
	case 7:
		second := order.Lines[0]
		second.SKU = sku(random.IntN(skus - 1))
		if second.SKU != order.Lines[0].SKU {
			order.Lines = append(order.Lines, second)
		}
	case 8, 9:
		complete, cancel = false, true
	}
	return wish{order, complete, cancel, time.Duration(random.Int64N(int64(3 * time.Second)))}
}

// place places the order, and asks for its cancellation where that is wanted, each until it is answered.
func (l *load) place(ctx context.Context, w wish) {
	var placed client.Order
	if !l.insist(ctx, "an order", func(ctx context.Context, door *client.Client) (err error) {
		placed, err = door.PlaceOrder(ctx, w.order)
		return err
	}) {
		return
	}
	l.mu.Lock()
	l.accepted++
	l.open[placed.ID] = opened{time.Now(), w.complete}
	if w.cancel {
		l.asked++
	}
	l.mu.Unlock()
	if !w.cancel {
		return
	}
	hold(ctx, w.pause)
	l.insist(ctx, "a cancellation", func(ctx context.Context, door *client.Client) error {
		_, err := door.Cancel(ctx, placed.ID, "changed my mind")
		if client.StatusOf(err) == http.StatusConflict && w.pause > 0 {
			return nil // it has ended before
		}
		return err
	})
}

// insist asks again and again under one idempotency key, at one process and the other, until there is an answer: then
// one less is asked for. It is false where the context ends before, or the answer is no.
func (l *load) insist(ctx context.Context, what string, ask func(context.Context, *client.Client) error) bool {
	key := uuid.NewString()
	for try := rand.IntN(len(l.doors)); ctx.Err() == nil; try++ {
		asking, cancel := context.WithTimeout(ctx, tryTime)
		err := ask(asking, l.doors[try%len(l.doors)].Under(key))
		cancel()
		status := client.StatusOf(err)
		switch {
		case err == nil:
			l.mu.Lock()
			l.asked--
			l.mu.Unlock()
			return true
		case status >= 400 && status < 500 && status != http.StatusConflict && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout,
			status == http.StatusInternalServerError:
			l.mu.Lock()
			l.wrong = append(l.wrong, fmt.Sprintf("%s was answered by %v", what, err))
			l.asked--
			l.mu.Unlock()
			return false
		}
		hold(ctx, 100*time.Millisecond)
	}
	return false
}

// watch looks at the open orders until the context ends.
func (l *load) watch(ctx context.Context) {
	for ctx.Err() == nil {
		_ = l.look(ctx) // PostgreSQL may be down
		hold(ctx, watchEvery)
	}
}

func (l *load) look(ctx context.Context) error {
	l.mu.Lock()
	var ids []string
	for id := range l.open {
		ids = append(ids, id)
	}
	l.mu.Unlock()
	type order struct{ ID, Status, Attention string }
	var orders []order
	err := l.world.query(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `SELECT id, status, attention FROM orders.orders WHERE tenant = $1 AND id = ANY($2)`, client.DefaultTenant, ids)
		if err != nil {
			return err
		}
		orders, err = pgx.CollectRows(rows, pgx.RowToStructByPos[order])
		return err
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range orders {
		l.attention[o.ID] = o.Attention
		if o.Attention == "" {
			delete(l.attention, o.ID)
		}
		switch o.Status {
		case client.StatusCompleted:
			l.completed++
		case client.StatusCancelled:
			l.cancelled++
			if l.open[o.ID].complete {
				l.astray = append(l.astray, o.ID)
			}
		default:
			continue
		}
		l.longest = max(l.longest, time.Since(l.open[o.ID].since))
		delete(l.open, o.ID)
	}
	return nil
}

// atRest is an error unless each order that was asked for was accepted, and has ended or shows attention.
func (l *load) atRest() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked > 0 {
		return fmt.Errorf("%d orders and cancellations have not been answered", l.asked)
	}
	for id := range l.open {
		if l.attention[id] == "" {
			return fmt.Errorf("%d orders are open, %s among them", len(l.open), id)
		}
	}
	return nil
}

func (l *load) report(r *Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Accepted, r.Completed, r.Cancelled, r.Attention = l.accepted, l.completed, l.cancelled, len(l.attention)
	r.Astray = l.astray
	r.LongestSeconds = l.longest.Seconds()
	r.Wrong = append(r.Wrong, l.wrong...)
}
