//go:build chaos

package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/processes"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/pgtest"
)

// Every process of every service is restarted in order, one after the other, while orders come in. Who asks by a load
// balancer does not notice, and every order that was accepted is completed.
func TestARollingRestart(t *testing.T) {
	t.Parallel()
	two := map[string]int{}
	for _, service := range suite.ServiceNames() {
		two[service] = 2
	}
	prefix := "t" + strings.ReplaceAll(uuid.NewString(), "-", "")[:10] + "."
	folder := t.TempDir()
	running, err := processes.Start(t.Context(), processes.Config{
		Binaries: filepath.Dir(program(t, "orders")), PostgresURL: pgtest.Database(t, pgtest.Template{Name: "empty"}),
		KafkaBrokers: kafkatest.Brokers(t), PublishPrefix: prefix, HearPrefix: prefix,
		LogFolder: filepath.Join(folder, "logs"), SimulatorData: filepath.Join(folder, "books"), Replicas: two, Version: "test",
		// Several suites and services share one PostgreSQL.
		Environment: map[string][]string{"": {"DATABASE_CONNECTIONS=6"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	})
	shop := client.New(running.Description())
	defer shop.Close()
	if _, err := shop.Receive(t.Context(), "MUG", 1_000_000, "test"); err != nil {
		t.Fatal(err)
	}

	b := newBalancer(running.Process("orders"), running.Process("orders-2"))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for ctx.Err() == nil {
				b.place(t)
			}
		})
	}
	for _, service := range suite.ServiceNames() {
		for _, name := range []string{service, service + "-2"} {
			p := running.Process(name)
			before := b.count()
			b.told(p.URL())
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
			if err := p.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.back(p.URL())
			eventually(t, "orders are accepted", func() bool { return b.count() > before+20 })
		}
	}
	stop()
	asking.Wait()
	placed := b.placed()
	t.Logf("%d orders, %d of them on a second try", len(placed), b.again)
	for _, id := range placed {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Minute, errors.New("patience has ended"))
		if _, err := shop.AwaitOrder(ctx, id, "completed", func(o client.Order) bool { return o.Status == client.StatusCompleted }); err != nil {
			t.Error(err)
		}
		cancel()
	}
}

// balancer sends each request to one of two processes, and to the other where the first does not take it.
type balancer struct {
	urls   []string
	client *http.Client

	mu sync.Mutex
	// stopping are the processes that have been told to stop, and when.
	stopping map[string]time.Time
	orders   []string
	again    int
}

func newBalancer(doors ...*processes.Process) *balancer {
	b := &balancer{stopping: map[string]time.Time{}, client: &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 8,
	}}}
	for _, p := range doors {
		b.urls = append(b.urls, p.URL())
	}
	return b
}

func (b *balancer) told(url string) { b.mu.Lock(); defer b.mu.Unlock(); b.stopping[url] = time.Now() }
func (b *balancer) back(url string) { b.mu.Lock(); defer b.mu.Unlock(); delete(b.stopping, url) }
func (b *balancer) count() int      { return len(b.placed()) }

func (b *balancer) placed() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.orders
}

const anOrder = `{"customer":{"id":"c","name":"Ada","email":"ada@customers.invalid"},
"lines":[{"sku":"MUG","name":"Mug","quantity":1,"unitPrice":{"amount":1999,"currency":"EUR"}}],
"shippingAddress":{"name":"Ada","line1":"1 Main Street","city":"Berlin","postalCode":"10115","country":"DE"},
"payment":{"method":"card","token":"tok_ok"}}`

// place places one order.
func (b *balancer) place(t *testing.T) {
	t.Helper()
	key := uuid.NewString()
	for try := rand.IntN(2); ; try++ {
		id, err := b.ask(b.urls[try%2], key)
		var violation *violation
		switch {
		case err == nil:
			b.mu.Lock()
			b.orders = append(b.orders, id)
			b.mu.Unlock()
			return
		case errors.As(err, &violation):
			t.Error(err)
			return
		case t.Context().Err() != nil:
			return
		}
		b.mu.Lock()
		b.again++
		b.mu.Unlock()
	}
}

// violation is an answer, or the lack of one, that nobody behind a load balancer should ever meet.
type violation struct{ what string }

func (v *violation) Error() string { return v.what }

// ask asks one process. A violation is a reset of a request that the process had before it was told to stop, and every
// answer of 500 or more but a 503 that says when to come again. Any other error is a reason to ask the other process.
func (b *balancer) ask(url, key string) (id string, err error) {
	var wrote atomic.Int64
	trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { wrote.Store(time.Now().UnixNano()) }}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), http.MethodPost, url+"/v1/orders", bytes.NewReader([]byte(anOrder)))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	answer, err := b.client.Do(request)
	if err == nil {
		defer answer.Body.Close()
		var body []byte
		if body, err = io.ReadAll(answer.Body); err == nil {
			return read(answer, body)
		}
	}
	b.mu.Lock()
	told, stopping := b.stopping[url]
	b.mu.Unlock()
	sent := time.Unix(0, wrote.Load()) // long ago where it was not
	if errors.Is(err, syscall.ECONNREFUSED) || stopping && (wrote.Load() == 0 || sent.After(told)) {
		return "", err
	}
	return "", &violation{fmt.Sprintf("no answer to a request of %s; told to stop: %v, %s: %v", sent, stopping, told, err)}
}

func read(answer *http.Response, body []byte) (id string, err error) {
	switch {
	case answer.StatusCode == http.StatusCreated:
		var order struct{ ID string }
		if err := json.Unmarshal(body, &order); err != nil {
			return "", &violation{err.Error()}
		}
		return order.ID, nil
	case answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "":
		return "", errors.New("not now")
	case answer.StatusCode == http.StatusConflict:
		return "", errors.New("it is under way") // asked for by the try before
	}
	return "", &violation{fmt.Sprintf("%s: %s", answer.Status, body)}
}
