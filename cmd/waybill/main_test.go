package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/up"
)

// waybill runs the program, and gives what it writes and its exit status.
func waybill(ctx context.Context, args ...string) (status int, out, errs string) {
	var stdout, stderr bytes.Buffer
	status = realMain(ctx, args, terminal{&stdout, &stderr})
	return status, stdout.String(), stderr.String()
}

func TestTheCommandLine(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + listener.Addr().String()
	listener.Close()
	for _, test := range []struct {
		args     string
		status   int
		out, err string
	}{
		{"--help", 0, "Usage: waybill <command>", ""},
		{"up --help", 0, "--ephemeral", ""},
		{"version", 0, "waybill ", ""},
		{"chaos --help", 0, "--seed", ""},
		{"chaos --duration 0s", 1, "", "--duration"},
		{"chaos --binaries /nowhere", 1, "", "make chaos"},
		{"", 1, "", "expected one of"},
		{"nonsense", 1, "", "nonsense"},
		{"up --ephemeral --data x", 1, "", "--data and --ephemeral"},
		{"up --ephemeral --random-ports --tenants /nowhere.yaml", 1, "", "/nowhere.yaml"},
		{"parked --suite " + nobody, 1, "", "no suite is running"},
		{"parked --suite " + nobody + " --tenant acme", 1, "", "no suite is running"},
		{"parked --service nonsense", 1, "", "nonsense"},
		{"parked --data " + t.TempDir(), 1, "", "no suite has kept its data"},
		{"parked --database-url postgres://a:b@127.0.0.1:1/c", 1, "", "--service"},
		{"verify --suite " + nobody, 2, "", "no suite is running"},
		{"verify --nonsense", 2, "", "nonsense"},
		{"verify --help", 0, "--at-rest", ""},
		{"parked --since tomorrow", 1, "", "tomorrow"},
		{"parked --state lost", 1, "", "lost"},
		{"parked list --service nonsense", 1, "", "nonsense"},
		{"parked show", 1, "", "<id>"},
		{"parked show 7", 1, "", `"7" is no id of a parked message`},
		{"parked redrive", 1, "", "name messages by their ids, or by a filter"},
		{"parked redrive --yes", 1, "", "name messages by their ids, or by a filter"},
		{"parked redrive x", 1, "", `"x" is no id of a parked message`},
		{"parked redrive 0199c3b4-7d1e-7000-8000-000000000007 --tenant acme", 1, "", "not by both"},
		{"parked redrive --service orders --by= ", 1, "", "--by"},
		{"parked redrive --service orders --suite " + nobody, 1, "", "no suite is running"},
		{"parked discard 0199c3b4-7d1e-7000-8000-000000000007", 1, "", "--reason"},
		{"parked discard 0199c3b4-7d1e-7000-8000-000000000007 --reason=", 1, "", "--reason"},
		{"outbox resend --service orders --since yesterday", 1, "", "yesterday"},
		{"outbox resend --service orders --since -1h", 1, "", "-1h"},
		{"outbox resend --since 1h", 1, "", "--service"},
		{"database adopt --postgres postgres://a:b@127.0.0.1:1/c", 1, "", "--kafka"},
		{"database adopt --postgres postgres://a:b@127.0.0.1:1/c --data " + t.TempDir(), 1, "", "there is no broker's data"},
		{"database adopt --postgres postgres://a:b@127.0.0.1:1/c --kafka " + strings.TrimPrefix(nobody, "http://"), 1, "", "kafka: "},
		{"outbox resend --service orders --since 1h --suite " + nobody, 1, "", "--kafka"},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			status, out, errs := waybill(t.Context(), strings.Fields(test.args)...)
			if status != test.status || !strings.Contains(out, test.out) || !strings.Contains(errs, test.err) {
				t.Errorf("status %d, want %d; it writes %q and %q, want %q and %q", status, test.status, out, errs, test.out, test.err)
			}
			if test.status == 1 && strings.Count(errs, "\n") != 1 {
				t.Errorf("its error is not one line: %q", errs)
			}
		})
	}
}

// Several errors are told in one line, and each once.
func TestErrorsAreOneLine(t *testing.T) {
	t.Parallel()
	refused := errors.New("connect:\trefused")
	if got := oneLine(errors.Join(refused, errors.New("no  login"), refused)); got != "connect: refused; no login" {
		t.Errorf("%q", got)
	}
}

// A suite runs until it is asked to stop, tells where everything is, and is looked after by the other commands.
func TestASuiteIsRunAndLookedAfter(t *testing.T) {
	t.Parallel()
	running, err := up.Start(t.Context(), up.Config{Data: t.TempDir(), RandomPorts: true, Version: version()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Errorf("Stop = %v", err)
		}
	})
	ctx, url := t.Context(), running.URL()

	status, out, errs := waybill(ctx, "parked", "--suite", url)
	if status != 0 || !strings.Contains(out, "No message is parked.") {
		t.Fatalf("parked = %d, %q, %q; want none", status, out, errs)
	}
	spoil(t, running.Description())
	err = await(t, func(context.Context) error {
		status, out, errs = waybill(ctx, "parked", "--suite", url, "--service", suite.Payments)
		if status != 0 || !strings.Contains(out, "payments ") || !strings.Contains(out, "order-shipped") {
			return fmt.Errorf("parked = %d, %q, %q; want the spoilt message", status, out, errs)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// It does not tell whose it is, so that no tenant is told of it.
	status, out, errs = waybill(ctx, "parked", "--suite", url, "--tenant", client.DefaultTenant)
	if status != 0 || !strings.Contains(out, "No parked message is meant by this.") {
		t.Errorf("parked of a tenant = %d, %q, %q; want none", status, out, errs)
	}
	// The data folder says as much as the suite does.
	folder := running.Description().DataFolder
	if status, out, errs := waybill(ctx, "parked", "--data", folder); status != 0 || !strings.Contains(out, "order-shipped") {
		t.Errorf("parked by the data folder = %d, %q, %q; want the spoilt message", status, out, errs)
	}

	lookAfterParked(t, url)

	orders := client.New(running.Description())
	defer orders.Close()
	order, err := orders.PlaceOrder(ctx, client.NewOrder{
		Customer:        client.Customer{ID: "1", Name: "Ada", Email: "ada@example.com"},
		Lines:           []client.Line{{SKU: "NONE", Name: "None", Quantity: 1, UnitPrice: client.Money{Amount: 1, Currency: "EUR"}}},
		ShippingAddress: client.Address{Name: "Ada", Line1: "1", City: "London", PostalCode: "1", Country: "GB"},
		Payment:         client.Card{Method: "card", Token: "tok_declined"},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = await(t, func(ctx context.Context) error {
		_, err := orders.AwaitStatus(ctx, order.ID, client.StatusCancelled, false)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	facts, err := orders.History(ctx, order.ID)
	if err != nil {
		t.Fatal(err)
	}
	// Placed and cancelled were published; the relay may still be noting that the second was.
	err = await(t, func(context.Context) error {
		status, out, errs = waybill(ctx, "outbox", "resend", "--service", "orders", "--since", "1h", "--suite", url)
		if status != 0 || !strings.Contains(out, "2 messages of orders sent again.") {
			return fmt.Errorf("outbox resend = %d, %q, %q; want two messages", status, out, errs)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	status, out, errs = waybill(ctx, "outbox", "resend", "--service", "orders", "--since", later, "--suite", url)
	if status != 0 || !strings.Contains(out, "0 messages of orders sent again.") {
		t.Errorf("outbox resend of the future = %d, %q, %q; want no message", status, out, errs)
	}
	// Whoever heard it before has taken no notice.
	again, err := orders.History(ctx, order.ID)
	if err != nil || len(again) != len(facts) {
		t.Errorf("after the second time the order has %d facts, %v; it had %d", len(again), err, len(facts))
	}
	// What was spoilt is nobody's fault but the spoiler's, and what was sent twice is nothing.
	err = await(t, func(context.Context) error {
		status, out, errs = waybill(ctx, "verify", "--at-rest", "--suite", url)
		if status != 0 || !strings.Contains(out, "1 orders: 1 ok,") || !strings.Contains(out, "DISCARDED, PARKED BY") || !strings.Contains(out, "; 0 messages parked, 4 discarded.") || !strings.Contains(out, "All eight statements hold.") {
			return fmt.Errorf("verify = %d, %q, %q; want one order that is ok", status, out, errs)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// spoil publishes what is no event.
func spoil(t *testing.T, d suite.Description) {
	t.Helper()
	producer, err := kgo.NewClient(kgo.SeedBrokers(d.KafkaBrokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	record := &kgo.Record{Topic: "commerce.shipping.order-shipped", Value: []byte("spoilt")}
	if err := producer.ProduceSync(t.Context(), record).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func await(t *testing.T, condition func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return client.Await(ctx, condition)
}

func TestUpTellsWhereEverythingIsAndStopsWhenAsked(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	written := &lines{ready: make(chan string, 1)}
	ended := make(chan int)
	var errs bytes.Buffer
	data := filepath.Join(t.TempDir(), "data")
	go func() {
		ended <- realMain(ctx, []string{"up", "--random-ports", "--data", data, "--pick-up-after", "0s"}, terminal{written, &errs})
	}()
	var said string
	select {
	case said = <-written.ready:
	case status := <-ended:
		t.Fatalf("up ended with %d: %s", status, errs.String())
	}
	for _, part := range append(suite.ServiceNames(), suite.SimulatorNames()...) {
		if !strings.Contains(said, part) {
			t.Errorf("up does not tell of %s:\n%s", part, said)
		}
	}
	if got := strings.Count(said, "\n  curl "); got != 3 {
		t.Errorf("up gives %d requests to try, not three:\n%s", got, said)
	}
	_, rest, _ := strings.Cut(said, "start page")
	url := strings.Fields(rest)[0]
	if _, err := suite.Find(ctx, url); err != nil {
		t.Errorf("Find at the start page that up tells: %v", err)
	}
	interrupt()
	if status := <-ended; status != 0 {
		t.Errorf("up ended with %d: %s", status, errs.String())
	}
	if answer, err := http.Get(url); err == nil {
		answer.Body.Close()
		t.Error("the suite still answers")
	}
}

// lines keeps what is written until the suite is ready.
type lines struct {
	written bytes.Buffer
	ready   chan string
}

func (l *lines) Write(text []byte) (int, error) {
	l.written.Write(text)
	if strings.Contains(string(text), "Ready after") {
		l.ready <- l.written.String()
	}
	return len(text), nil
}
