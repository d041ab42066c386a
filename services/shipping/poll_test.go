package shipping

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/outside"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/server"
	"waybill.dev/services/shipping/carrier"
	"waybill.dev/services/shipping/shipment"
)

// openParcels are due now.
func openParcels(t *testing.T, pool *pgxpool.Pool, n int) {
	t.Helper()
	_, err := pool.Exec(t.Context(), `INSERT INTO open_parcels (tenant, order_id, booking_id, next_poll_at, polls)
		SELECT 'acme', 'o' || i, 'b' || i, now(), 0 FROM generate_series(1, $1) i`, n)
	if err != nil {
		t.Fatal(err)
	}
}

func TestReplicasShareTheParcelsThatAreDue(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, "shipping", migrations)
	openParcels(t, pool, 200)
	var mu sync.Mutex
	taken := map[string]int{}
	var replicas sync.WaitGroup
	for range 4 {
		replicas.Go(func() {
			for range 20 {
				parcels, err := takeDue(context.Background(), pool, time.Minute, 10)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, p := range parcels {
					taken[fmt.Sprintf("%s/%s/%s", p.Tenant, p.Order, p.Booking)]++
				}
				mu.Unlock()
			}
		})
	}
	replicas.Wait()
	if len(taken) != 200 {
		t.Errorf("%d of 200 parcels were taken", len(taken))
	}
	for p, n := range taken {
		if n != 1 {
			t.Errorf("%s was taken %d times", p, n)
		}
	}
}

func TestEachFurtherPauseIsLongerUpToALimit(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, "shipping", migrations)
	openParcels(t, pool, 1)
	var pauses []int
	for range 8 {
		if due, err := takeDue(t.Context(), pool, time.Minute, 10); err != nil || len(due) != 1 {
			t.Fatalf("due: %v %v", due, err)
		}
		if early, err := takeDue(t.Context(), pool, time.Minute, 10); err != nil || len(early) != 0 {
			t.Fatalf("taken before it is due: %v %v", early, err)
		}
		var pause int
		if err := pool.QueryRow(t.Context(), "SELECT round(extract(epoch FROM next_poll_at - now()) / 60) FROM open_parcels").Scan(&pause); err != nil {
			t.Fatal(err)
		}
		pauses = append(pauses, pause)
		if _, err := pool.Exec(t.Context(), "UPDATE open_parcels SET next_poll_at = now()"); err != nil {
			t.Fatal(err)
		}
	}
	if want := []int{2, 4, 8, 16, 32, 64, 64, 64}; !slices.Equal(pauses, want) {
		t.Errorf("pauses of %d minutes, want %d", pauses, want)
	}
}

// The time of a fact is that of a process whose clock may be ahead.
func TestAFactFromTheFutureDoesNotPutItsParcelOff(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, "shipping", migrations)
	stream := shipment.Category.Stream("acme", "o1")
	states := es.NewStates()
	states.Empty(stream, shipment.Category)
	booked := shipment.Booked{Booking: shipment.Booking{ID: "b1", Carrier: "Parcel Co", TrackingNumber: "PC1"}}
	if _, err := states.Apply(stream, booked); err != nil {
		t.Fatal(err)
	}
	var batch pgx.Batch
	projectOpenParcels(time.Millisecond)(&batch, []eventlog.Change{{
		Stream: stream, States: states, Facts: []es.Recorded{{At: time.Now().Add(2 * time.Hour), Event: booked}},
	}})
	if err := pool.SendBatch(t.Context(), &batch).Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		due, err := takeDue(t.Context(), pool, time.Minute, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(due) == 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("its parcel is not due")
		}
	}
}

// A carrier that is silent is left alone, and parcels are not put off for look-ups that nobody makes: once it answers, each
// is looked up at once.
func TestAnOpenBreakerPutsNoParcelOff(t *testing.T) {
	t.Parallel()
	var back atomic.Bool
	books := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !back.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, `{"id":%q,"status":"booked"}`, path.Base(r.URL.Path))
	}))
	t.Cleanup(books.Close)
	c, err := carrier.NewHTTP(books.URL)
	if err != nil {
		t.Fatal(err)
	}
	app := &server.App{Pool: pgtest.Pool(t, "shipping", migrations), Logger: slog.New(slog.DiscardHandler)}
	const parcels = 3 * pollBatch / 2
	openParcels(t, app.Pool, parcels)
	look := func() (polls int) {
		t.Helper()
		if err := pollDue(t.Context(), app, c.System(), c, time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := app.Pool.QueryRow(t.Context(), "SELECT sum(polls) FROM open_parcels").Scan(&polls); err != nil {
			t.Fatal(err)
		}
		return polls
	}
	for c.System().State() != outside.Open {
		if _, err := c.Find(t.Context(), "b0"); !errors.Is(err, outside.ErrUnknown) {
			t.Fatal(err)
		}
	}
	if polls := look(); polls != 0 {
		t.Fatalf("%d parcels were put off while the carrier was not asked", polls)
	}
	await := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal(what)
			}
		}
	}
	await("nobody sees whether the carrier is back", func() bool { return c.System().Allows(parcels) == 1 })
	if polls := look(); polls != 1 || c.System().State() != outside.Open {
		t.Fatalf("%d parcels were taken to see whether the carrier is back; the breaker is %s", polls, c.System().State())
	}
	back.Store(true)
	await("the parcels are not looked up", func() bool { return look() == parcels })
}

// Nor those that were taken when it fell silent.
func TestABreakerThatOpensPutsNoParcelOff(t *testing.T) {
	t.Parallel()
	var asked sync.Map
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(path.Base(r.URL.Path), true)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(silent.Close)
	c, err := carrier.NewHTTP(silent.URL)
	if err != nil {
		t.Fatal(err)
	}
	app := &server.App{Pool: pgtest.Pool(t, "shipping", migrations), Logger: slog.New(slog.DiscardHandler)}
	openParcels(t, app.Pool, pollBatch)
	if err := pollDue(t.Context(), app, c.System(), c, time.Hour); err != nil {
		t.Fatal(err)
	}
	rows, err := app.Pool.Query(t.Context(), "SELECT booking_id, polls, next_poll_at <= now() FROM open_parcels")
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Booking string
		Polls   int
		Due     bool
	}
	parcels, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil || len(parcels) != pollBatch {
		t.Fatalf("%d parcels, %v", len(parcels), err)
	}
	for _, p := range parcels {
		if _, was := asked.Load(p.Booking); was != (p.Polls == 1) || was == p.Due {
			t.Errorf("the carrier was asked for %s: %t; it has %d look-ups, and is due: %t", p.Booking, was, p.Polls, p.Due)
		}
	}
}
