package shipping

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/pgtest"
)

func openParcels(t *testing.T, pool *pgxpool.Pool, n int, due time.Time) {
	t.Helper()
	_, err := pool.Exec(t.Context(), `INSERT INTO open_parcels (tenant, order_id, booking_id, next_poll_at, polls)
		SELECT 'acme', 'o' || i, 'b' || i, $2, 0 FROM generate_series(1, $1) i`, n, due)
	if err != nil {
		t.Fatal(err)
	}
}

func TestReplicasShareTheParcelsThatAreDue(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, "shipping", migrations)
	now := time.Now()
	openParcels(t, pool, 200, now.Add(-time.Second))
	var mu sync.Mutex
	taken := map[string]int{}
	var replicas sync.WaitGroup
	for range 4 {
		replicas.Go(func() {
			for range 20 {
				parcels, err := takeDue(context.Background(), pool, now, time.Minute, 10)
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
	now := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	openParcels(t, pool, 1, now)
	var pauses []time.Duration
	for range 8 {
		if early, err := takeDue(t.Context(), pool, now.Add(-time.Millisecond), time.Second, 10); err != nil || len(early) != 0 {
			t.Fatalf("taken before it is due: %v %v", early, err)
		}
		if due, err := takeDue(t.Context(), pool, now, time.Second, 10); err != nil || len(due) != 1 {
			t.Fatalf("due: %v %v", due, err)
		}
		var next time.Time
		if err := pool.QueryRow(t.Context(), "SELECT next_poll_at FROM open_parcels").Scan(&next); err != nil {
			t.Fatal(err)
		}
		pauses = append(pauses, next.Sub(now)/time.Second)
		now = next
	}
	if want := []time.Duration{2, 4, 8, 16, 32, 64, 64, 64}; !slices.Equal(pauses, want) {
		t.Errorf("pauses of %d seconds, want %d", pauses, want)
	}
}
