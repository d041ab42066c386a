package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
)

// asked is a request as a server saw it.
type asked struct {
	Method, URL, Tenant, ContentType, Body string
}

// answering is a client of a suite all of whose parts are one server that answers by the handler, and what this
// was asked.
func answering(t *testing.T, status int, body string) (*client.Client, *[]asked) {
	t.Helper()
	var seen []asked
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		seen = append(seen, asked{
			r.Method, r.URL.String(), r.Header.Get("X-Tenant-ID"), r.Header.Get("Content-Type"), string(content),
		})
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	d := suite.Description{Services: map[string]string{}, Simulators: map[string]string{}}
	for _, name := range suite.ServiceNames() {
		d.Services[name] = server.URL
	}
	for _, name := range suite.SimulatorNames() {
		d.Simulators[name] = server.URL
	}
	c := client.New(d)
	t.Cleanup(c.Close)
	return c, &seen
}

func TestRequestsSayWhoseTheyAre(t *testing.T) {
	t.Parallel()
	c, seen := answering(t, http.StatusAccepted, `{"id":"1","status":"cancelling"}`)
	acme := c.ForTenant("acme")
	order, err := acme.Cancel(t.Context(), "a/b", "twice")
	if err != nil || order.Status != client.StatusCancelling {
		t.Fatalf("Cancel = %+v, %v", order, err)
	}
	if _, err := c.Order(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	want := []asked{
		{"POST", "/v1/orders/a%2Fb/cancellation", "acme", "application/json", `{"reason":"twice"}`},
		{"GET", "/v1/orders/1", "default", "", ""},
	}
	if diff := cmp.Diff(want, *seen); diff != "" {
		t.Errorf("requests (-want +seen):\n%s", diff)
	}
}

func TestPostsUnderAKeyCarryIt(t *testing.T) {
	t.Parallel()
	var keys []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Method+" "+r.Header.Get("Idempotency-Key"))
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	c := client.New(suite.Description{Services: map[string]string{suite.Orders: server.URL}})
	defer c.Close()
	if _, err := c.Under("k").Cancel(t.Context(), "1", "twice"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Cancel(t.Context(), "1", "twice"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"POST k", "POST "}, keys); diff != "" {
		t.Errorf("keys (-want +seen):\n%s", diff)
	}
}

func TestAProblemTellsEverything(t *testing.T) {
	t.Parallel()
	c, _ := answering(t, http.StatusUnprocessableEntity,
		`{"title":"Unprocessable Entity","status":422,"detail":"validation failed","errors":[{"location":"body.lines","message":"are needed"}]}`)
	_, err := c.PlaceOrder(t.Context(), client.NewOrder{})
	if client.StatusOf(err) != http.StatusUnprocessableEntity {
		t.Errorf("StatusOf(%v) = %d", err, client.StatusOf(err))
	}
	for _, part := range []string{"orders", "/v1/orders", "422", "validation failed", "body.lines are needed"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

func TestAProblemThatIsNone(t *testing.T) {
	t.Parallel()
	c, _ := answering(t, http.StatusBadGateway, `<html>`)
	if _, err := c.Stock(t.Context(), "MUG"); client.StatusOf(err) != http.StatusBadGateway {
		t.Errorf("StatusOf(%v) = %d, want 502", err, client.StatusOf(err))
	}
	if got := client.StatusOf(errors.New("no answer")); got != 0 {
		t.Errorf("StatusOf(no answer) = %d, want 0", got)
	}
	none := client.New(suite.Description{})
	if _, err := none.Payment(t.Context(), "1"); err == nil || !strings.Contains(err.Error(), "payments") {
		t.Errorf("Payment without a payments service = %v", err)
	}
}

func TestListsAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	const last = 5
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := 1
		_, _ = fmt.Sscan(r.URL.Query().Get("cursor"), &page)
		next := ""
		if page < last {
			next = fmt.Sprint(page + 1)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"items": []client.StockLevel{{SKU: fmt.Sprint(page)}}, "nextCursor": next,
		})
	}))
	t.Cleanup(server.Close)
	c := client.New(suite.Description{Services: map[string]string{suite.Inventory: server.URL}})
	levels, err := c.AllStock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []client.StockLevel{{SKU: "1"}, {SKU: "2"}, {SKU: "3"}, {SKU: "4"}, {SKU: "5"}}
	if diff := cmp.Diff(want, levels); diff != "" {
		t.Errorf("levels (-want +read):\n%s", diff)
	}
	if parked, err := c.Parked(t.Context(), suite.Inventory); err != nil || len(parked) != last {
		t.Errorf("%d parked messages, %v; want %d", len(parked), err, last)
	}
}

// The simulators are read by the paths that they serve.
func TestTheBooksAreReadByOrderOrByTenant(t *testing.T) {
	t.Parallel()
	c, seen := answering(t, http.StatusOK, `{}`)
	c = c.ForTenant("acme")
	ctx := t.Context()
	for _, read := range []func(order string) error{
		func(order string) error { _, err := c.ProviderPayments(ctx, order); return err },
		func(order string) error { _, err := c.CarrierBookings(ctx, order); return err },
		func(order string) error { _, err := c.Mails(ctx, order); return err },
	} {
		for _, order := range []string{"", "42"} {
			if err := read(order); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(c.AllowPayment(ctx, "42"), c.PickUp(ctx, "bkg_1"), c.Deliver(ctx, "bkg_1"), c.AllowCancellation(ctx, "bkg_1")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range *seen {
		got = append(got, a.Method+" "+a.URL)
	}
	want := []string{
		"GET /v1/payments?limit=1000&tenant=acme",
		"GET /v1/payments?limit=1000&reference=acme%2F42&tenant=acme",
		"GET /v1/bookings?limit=1000&tenant=acme",
		"GET /v1/bookings?limit=1000&reference=acme%2F42&tenant=acme",
		"GET /v1/mails?limit=1000&tenant=acme",
		"GET /v1/mails?limit=1000&order=42&tenant=acme",
		"POST /v1/payments/acme/42/allow",
		"POST /v1/bookings/bkg_1/pick-up", "POST /v1/bookings/bkg_1/deliver", "POST /v1/bookings/bkg_1/allow",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +seen):\n%s", diff)
	}
}

func TestOrdersAreListedAsIsAskedFor(t *testing.T) {
	t.Parallel()
	c, seen := answering(t, http.StatusOK, `{"items":[{"id":"1","nextStep":"capture","dueAt":"2026-03-04T10:00:00Z"}]}`)
	page, err := c.Orders(t.Context(), client.OrderFilter{Status: "shipped", Attention: new(false), Overdue: new(true), Limit: 5})
	if err != nil || len(page.Items) != 1 || page.Items[0].NextStep != "capture" || page.Items[0].DueAt.Hour() != 10 {
		t.Errorf("%+v, %v", page, err)
	}
	if _, err := c.Orders(t.Context(), client.OrderFilter{}); err != nil {
		t.Error(err)
	}
	want := []string{"/v1/orders?attention=false&limit=5&overdue=true&status=shipped", "/v1/orders"}
	if got := []string{(*seen)[0].URL, (*seen)[1].URL}; !cmp.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
}

func TestWorkingIsBeingInTouch(t *testing.T) {
	t.Parallel()
	for amiss, working := range map[string]bool{
		"kafka: events cannot be heard": false, "jobs: they are not being worked": false,
		"breaker:provider": true, "parking place: 1000 or more messages are parked": true,
	} {
		err := client.Readiness{Status: "degraded", Degraded: []string{amiss}}.Working()
		if (err == nil) != working {
			t.Errorf("Working with %q = %v", amiss, err)
		}
	}
}

func TestAwaitAsksUntilItHolds(t *testing.T) {
	t.Parallel()
	asked := 0
	err := client.Await(t.Context(), func(context.Context) error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil || asked != 3 {
		t.Errorf("Await = %v after %d times", err, asked)
	}
}

func TestAwaitTellsWhatWasMissing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	missing := errors.New("the order is placed")
	err := client.Await(ctx, func(context.Context) error { return missing })
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, missing) {
		t.Errorf("Await = %v, want the deadline and what was missing", err)
	}
}

// What breaks a question off is told once, and what was missing before is told still.
func TestAwaitTellsOnceWhatEndedIt(t *testing.T) {
	t.Parallel()
	ended, missing := errors.New("the service has ended"), errors.New("the order is placed")
	for _, c := range []struct {
		answers int // that came before the end
		want    string
	}{{0, "the service has ended"}, {1, "the service has ended, and still: the order is placed"}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		err := client.Await(ctx, func(ctx context.Context) error {
			if c.answers--; c.answers >= 0 {
				return missing
			}
			cancel(ended)
			return fmt.Errorf("ask: %w", context.Cause(ctx))
		})
		if err == nil || err.Error() != c.want {
			t.Errorf("Await = %v, want %q", err, c.want)
		}
	}
}
