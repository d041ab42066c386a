package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/pgtest"
	"waybill.dev/services/inventory/stock"
)

// replica runs the service's log on a pool of its own, without HTTP and Kafka around it.
func replica(tb testing.TB, pool *pgxpool.Pool) *eventlog.Log {
	tb.Helper()
	s := service(tb)
	log, err := eventlog.New(eventlog.Config{
		Service: s.Name, Pool: pool, Categories: s.Categories, Publish: s.Publish, Project: s.Project,
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { log.Run(ctx) })
	tb.Cleanup(func() { cancel(); running.Wait() })
	return log
}

// Two replicas are told of many orders for few SKUs at once, every message by both, while goods come in and counts
// are corrected. At no version may a shelf be oversold, and in the end everything has to agree.
func TestReplicasNeverOversell(t *testing.T) {
	t.Parallel()
	const (
		tenant = "default"
		orders = 240
		opened = 160 // of each SKU; the orders want about 360, so that some are short, and each shelf gets its snapshot
	)
	skus := []string{"cup", "mug", "plate"}
	access := pgtest.Service(t, service(t).Name, service(t).Migrations)
	pool := open(t, access)
	replicas := []*eventlog.Log{replica(t, pool), replica(t, open(t, access))}

	handle := func(ctx context.Context, log *eventlog.Log, c es.Command, message string) error {
		for {
			_, err := log.Handle(ctx, eventlog.Request{Command: c, Tenant: tenant, At: time.Now(), Message: message})
			var refusal *es.Refusal
			switch {
			case errors.Is(err, eventlog.ErrUnavailable) && ctx.Err() == nil: // as the consumer does
			case errors.As(err, &refusal):
				return nil
			default:
				return err
			}
		}
	}
	for _, sku := range skus {
		c := stock.Receive{Tenant: tenant, SKU: sku, Quantity: opened, Reference: "opening"}
		if err := handle(t.Context(), replicas[0], c.Command(), ""); err != nil {
			t.Fatal(err)
		}
	}

	work, ctx := errgroup.WithContext(t.Context())
	work.SetLimit(48)
	tell := func(order string, e contracts.Event, replica int) func() error {
		m := contracts.Message{ID: order + string(e.Type()), Subject: order, Tenant: tenant, Data: e}
		return func() error { return handle(ctx, replicas[replica], stock.React(m, time.Now()), m.ID) }
	}
	for n := range orders {
		order := fmt.Sprintf("order-%03d", n)
		e := contracts.OrderPlaced{}
		for _, i := range rand.Perm(len(skus))[:1+n%len(skus)] {
			e.Lines = append(e.Lines, contracts.OrderLine{SKU: skus[i], Quantity: 1 + rand.Int64N(2)})
		}
		messages := []contracts.Event{e, contracts.PaymentAuthorized{}}
		switch n % 4 {
		case 1:
			messages = append(messages, contracts.ShipmentCancelled{})
		case 2:
			messages = append(messages, contracts.ShippingFailed{})
		}
		for _, i := range rand.Perm(len(messages)) {
			for r := range replicas {
				work.Go(tell(order, messages[i], r))
			}
		}
		sku := skus[n%len(skus)]
		work.Go(func() error {
			return handle(ctx, replicas[n%2], stock.Adjust{Tenant: tenant, SKU: sku, Quantity: int64(n%7) - 4, Reason: "count"}.Command(), "")
		})
	}
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}
	// What is reserved by now is shipped by a carrier that tells each replica.
	work, ctx = errgroup.WithContext(t.Context())
	for n := range orders {
		if n%4 == 3 {
			for r := range replicas {
				work.Go(tell(fmt.Sprintf("order-%03d", n), contracts.OrderShipped{}, r))
			}
		}
	}
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}

	reservations := map[string]stock.Reservation{}
	held := map[string]int64{} // by SKU, as the reservations have it
	ends := map[stock.Status]int{}
	for n := range orders {
		order := fmt.Sprintf("order-%03d", n)
		id := stock.Reservations.Stream(tenant, order)
		states, err := replicas[n%2].Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		r := stock.Reservations.State(states, id)
		reservations[order] = r
		ends[r.Status()]++
		if r.Status() == stock.StatusReserved {
			for _, l := range r.Lines {
				held[l.SKU] += l.Quantity
			}
		}
	}
	for _, status := range []stock.Status{stock.StatusReserved, stock.StatusFailed, stock.StatusReleased, stock.StatusShipped} {
		if ends[status] == 0 {
			t.Errorf("no reservation is %s: %v", status, ends)
		}
	}
	if ends[stock.StatusWaiting] > 0 {
		t.Errorf("%d reservations wait for nothing", ends[stock.StatusWaiting])
	}

	var snapshots int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM snapshots WHERE version >= 100").Scan(&snapshots); err != nil || snapshots != len(skus) {
		t.Errorf("%d shelves have a snapshot: %v", snapshots, err)
	}
	levels := levelsOf(t, pool, tenant)
	for _, sku := range skus {
		facts, err := replicas[0].History(t.Context(), stock.Stocks.Stream(tenant, sku))
		if err != nil {
			t.Fatal(err)
		}
		var s stock.Stock
		kept := map[string]int64{} // by order
		for _, f := range facts {
			s = stock.Stocks.Fold(s, f.Event.(stock.Event))
			if s.Reserved < 0 || s.Reserved > s.OnHand {
				t.Fatalf("%s at version %d, after %s: %+v", sku, f.Version, f.Event.Kind(), s)
			}
			switch e := f.Event.(type) {
			case stock.Reserved:
				kept[e.Order] += e.Quantity
			case stock.Released:
				kept[e.Order] -= e.Quantity
			case stock.Shipped:
				kept[e.Order] -= e.Quantity
			}
		}
		for order, quantity := range kept {
			if reservations[order].Status() != stock.StatusReserved && quantity != 0 {
				t.Errorf("%s is %s and keeps %d of %s", order, reservations[order].Status(), quantity, sku)
			}
		}
		if s.Reserved != held[sku] {
			t.Errorf("of %s %d are reserved, and the reservations have %d", sku, s.Reserved, held[sku])
		}
		if diff := cmp.Diff(s, levels[sku]); diff != "" {
			t.Errorf("stock_levels of %s (-fold +table):\n%s", sku, diff)
		}
	}
}

func levelsOf(t *testing.T, pool *pgxpool.Pool, tenant string) map[string]stock.Stock {
	t.Helper()
	rows, err := pool.Query(t.Context(), "SELECT sku, on_hand, reserved FROM stock_levels WHERE tenant = $1", tenant)
	if err != nil {
		t.Fatal(err)
	}
	levels := map[string]stock.Stock{}
	var sku string
	var s stock.Stock
	if _, err := pgx.ForEachRow(rows, []any{&sku, &s.OnHand, &s.Reserved}, func() error {
		levels[sku] = s
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return levels
}

// An order is two messages, and its reservation two streams or more: how many orders are reserved a second.
func BenchmarkReserve(b *testing.B) {
	const tenant, skus, waiting = "default", 100, 64
	log := replica(b, open(b, pgtest.Service(b, service(b).Name, service(b).Migrations)))
	handle := func(ctx context.Context, c es.Command) error {
		_, err := log.Handle(ctx, eventlog.Request{Command: c, Tenant: tenant, At: time.Now()})
		return err
	}
	sku := func(n int) string { return fmt.Sprintf("sku-%03d", n%skus) }
	for n := range skus {
		if err := handle(b.Context(), stock.Receive{Tenant: tenant, SKU: sku(n), Quantity: stock.MaxQuantity, Reference: "r"}.Command()); err != nil {
			b.Fatal(err)
		}
	}
	work, ctx := errgroup.WithContext(b.Context())
	work.SetLimit(waiting)
	b.ResetTimer()
	for n := range b.N {
		work.Go(func() error {
			m := contracts.Message{Subject: fmt.Sprintf("order-%d", n), Tenant: tenant, Data: placed(1, sku(n), sku(n*7+1))}
			if err := handle(ctx, stock.React(m, time.Now())); err != nil {
				return err
			}
			m.Data = contracts.PaymentAuthorized{}
			return handle(ctx, stock.React(m, time.Now()))
		})
	}
	if err := work.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
}
