package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
)

// stalled is a client of a suite that takes orders and does nothing about them.
func stalled(t *testing.T) *client.Client {
	t.Helper()
	var placed atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/orders", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"id":"order-%d","status":"placed"}`, placed.Add(1))
	})
	mux.HandleFunc("GET /v1/orders", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"items":[{"id":"order-1","status":"placed"}]}`)
	})
	mux.HandleFunc("GET /v1/orders/{id}/{what}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) })
	server := httptest.NewServer(mux)
	shop := client.New(suite.Description{Services: map[string]string{suite.Orders: server.URL}})
	t.Cleanup(func() { shop.Close(); server.Close() })
	return shop
}

// A run in which nothing ends any more has a report, which says so.
func TestStalledRunIsReported(t *testing.T) {
	t.Parallel()
	for name, rate := range map[string]float64{"closed loop": 0, "open loop": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLoad(Config{Orders: 1000, Concurrency: 1, Rate: rate, SKUs: 1, Patience: time.Millisecond}, stalled(t))
			if err := l.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			report, err := l.report(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if report.Completed != 0 || report.Orders != 1000 || report.OK() || len(report.Failures) == 0 {
				t.Errorf("%+v", report)
			}
			if err := report.JSON(new(bytes.Buffer)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestInterruptedRunIsAnError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := newLoad(Config{Orders: 2, Concurrency: 1, SKUs: 1, Patience: time.Hour}, stalled(t))
	if err := l.run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
