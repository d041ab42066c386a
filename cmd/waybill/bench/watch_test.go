package bench

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
)

// Orders of one moment may have ids in another order than their times. The one on the next page is seen all the same.
func TestOrderBehindThePageIsSeen(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	all := make([]client.OrderSummary, 2*watchPage)
	for i := range all { // newest first, ids against their times
		all[i] = client.OrderSummary{ID: fmt.Sprintf("%04d", i), Status: client.StatusCompleted, PlacedAt: start.Add(-time.Duration(i) * time.Microsecond)}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := client.OrderPage{Items: all[:watchPage], NextCursor: "more"}
		if r.URL.Query().Get("cursor") != "" {
			page = client.OrderPage{Items: all[watchPage:]}
		}
		_ = json.NewEncoder(w).Encode(page)
	}))
	t.Cleanup(server.Close)
	l := newLoad(Config{Orders: 1, Concurrency: 1}, client.New(suite.Description{Services: map[string]string{suite.Orders: server.URL}}))
	last := all[len(all)-1]
	l.open[last.ID] = order{id: last.ID, placedAt: last.PlacedAt}
	l.slots <- struct{}{}
	if err := l.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l.completed != 1 {
		t.Fatal("the order was not seen")
	}
}
