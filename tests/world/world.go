package world

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/platform/server"
	"waybill.dev/services/inventory"
	"waybill.dev/services/notifications"
	"waybill.dev/services/orders"
	"waybill.dev/services/payments"
	"waybill.dev/services/shipping"
)

// Options say where a world is written, and how large it is.
type Options struct {
	// AdminURL logs in to an empty database as the administrator.
	AdminURL string
	// Brokers are Kafka's, and Prefix stands before the names of the topics and of the groups.
	Brokers []string
	Prefix  string
	// Books is the folder of the simulators' journals: "provider" and "carrier" in it.
	Books string
	// Orders is how many orders there are.
	Orders int
	// Ways are how they go; Ways() unless given.
	Ways []Way
	// Unread leaves it open whether any service has read Kafka; else all have read everything.
	Unread bool
	// Send is shown each message before Kafka has it, may change it, and says whether it is sent; nil sends all as they are.
	Send func(Order, *kgo.Record) bool
}

// Order is an order of a world.
type Order struct {
	Way, Tenant, ID string
}

// batchOrders is how many orders are written in a transaction.
const batchOrders = 1000

// Write writes a world, and returns the first orders of each way.
func Write(ctx context.Context, o Options) (first map[string][]Order, err error) {
	if o.Ways == nil {
		o.Ways = Ways()
	}
	folder, err := os.MkdirTemp("", "waybill-world-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	services, err := newServices(folder)
	if err != nil {
		return nil, err
	}
	simulators, err := startOutside(ctx, folder)
	if err != nil {
		return nil, err
	}
	made, err := templates(ctx, services, simulators, o.Ways)
	if err := errors.Join(err, simulators.stop()); err != nil {
		return nil, err
	}
	w := &writer{Options: o, services: services, random: rand.New(rand.NewPCG(1, 2)), first: map[string][]Order{}}
	return w.first, w.write(ctx, made)
}

// newServices are the five services as they would run, with nothing to run on.
func newServices(folder string) (map[string]server.Service, error) {
	tenants := filepath.Join(folder, "tenants.yaml")
	if err := os.WriteFile(tenants, []byte("tenants: {"+AtOnce+": {captureAtOnce: true}}\n"), 0o600); err != nil {
		return nil, err
	}
	paying, delivering := payments.Defaults(), shipping.Defaults()
	paying.TenantsFile = tenants
	delivering.CarrierWebhookSecret = suite.NewWebhookSecret()
	all := map[string]server.Service{}
	for _, made := range []func() (server.Service, error){
		func() (server.Service, error) { return orders.New(orders.Defaults()) },
		func() (server.Service, error) { return payments.New(paying) },
		func() (server.Service, error) { return inventory.New(inventory.Defaults()) },
		func() (server.Service, error) { return shipping.New(delivering) },
		func() (server.Service, error) { return notifications.New(notifications.Defaults()) },
	} {
		s, err := made()
		if err != nil {
			return nil, err
		}
		all[s.Name] = s
	}
	return all, nil
}

// writer writes the orders of a world.
type writer struct {
	Options
	services map[string]server.Service
	random   *rand.Rand
	shelves  *shelves
	first    map[string][]Order
}

func (w *writer) write(ctx context.Context, made []template) error {
	db, err := openDatabase(ctx, w.AdminURL, w.services)
	if err != nil {
		return err
	}
	defer db.close(ctx)
	kafka, err := openKafka(ctx, w.Brokers, w.Prefix)
	if err != nil {
		return err
	}
	defer kafka.close()
	books, err := openBooks(w.Books)
	if err != nil {
		return err
	}
	w.shelves = newShelves(w.Orders)
	if err := db.copyAll(ctx, w.shelves.receipts()); err != nil {
		return err
	}
	writing, ctx := errgroup.WithContext(ctx)
	batches := make(chan batch, 1)
	writing.Go(func() error {
		for b := range batches {
			if err := errors.Join(db.copyAll(ctx, b.rows), books.write(b.journals)); err != nil {
				return err
			}
		}
		return nil
	})
	writing.Go(func() error {
		defer close(batches)
		return w.render(ctx, made, kafka, batches)
	})
	if err := writing.Wait(); err != nil {
		return err
	}
	if err := db.copyAll(context.WithoutCancel(ctx), w.shelves.levels()); err != nil {
		return err
	}
	return errors.Join(books.close(), kafka.finish(context.WithoutCancel(ctx), w.Unread), db.finish(context.WithoutCancel(ctx)))
}

// batch is what stands in one transaction: lines of COPY by their tables, and lines of journals.
type batch struct {
	rows, journals map[string][]byte
}

func newBatch() batch { return batch{rows: map[string][]byte{}, journals: map[string][]byte{}} }

// render writes every order's texts, the ways mixed as their shares say.
func (w *writer) render(ctx context.Context, made []template, kafka *kafka, to chan<- batch) error {
	var deck []int // an index of a template for each share
	for i, t := range made {
		for range max(1, t.way.Share/max(1, t.way.Variants)) {
			deck = append(deck, i)
		}
	}
	began := now().Add(-3 * time.Hour)
	b := newBatch()
	for i := range w.Orders {
		t := &made[deck[i*7919%len(deck)]]
		if i < len(made) {
			t = &made[i] // each once, however small the world
		}
		o := w.newOne(t, began.Add(time.Duration(i)*2*time.Hour/time.Duration(w.Orders)).Truncate(time.Microsecond), i)
		order := Order{Way: t.way.Name, Tenant: t.tenant, ID: o.names[t.order]}
		if len(w.first[order.Way]) < 3 {
			w.first[order.Way] = append(w.first[order.Way], order)
		}
		t.render(o, w.shelves, b)
		for _, r := range t.records {
			if said := kafka.record(r, o); w.Send == nil || w.Send(order, said) {
				kafka.send(said)
			}
		}
		if (i+1)%batchOrders != 0 && i+1 != w.Orders {
			continue
		}
		select {
		case to <- b:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		b = newBatch()
	}
	return nil
}

func (t *template) render(o *one, on *shelves, b batch) {
	for table, rows := range t.rows {
		to := b.rows[table]
		for _, row := range rows {
			to = row.appendTo(to, o)
		}
		b.rows[table] = to
	}
	for simulator, lines := range t.journals {
		to := b.journals[simulator]
		for _, line := range lines {
			to = line.appendTo(to, o)
		}
		b.journals[simulator] = to
	}
	to := b.rows["inventory.events"]
	for _, f := range t.shelf {
		to = f.before.appendTo(to, o)
		to = fmt.Append(to, on.note(t.tenant, o.skus[f.sku], f.event))
		to = f.after.appendTo(to, o)
	}
	b.rows["inventory.events"] = to
}
