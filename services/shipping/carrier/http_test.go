package carrier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/platform/outside"
	"waybill.dev/services/shipping/shipment"
	simulator "waybill.dev/simulators/carrier"
)

// running is the adapter to a running carrier.
type running struct {
	*HTTP
	url string
}

// start runs a carrier that moves parcels only when told.
func start(t *testing.T) running {
	t.Helper()
	server, err := simulator.New(simulator.Config{Listen: "127.0.0.1:0", PickUpAfter: time.Hour, DeliverAfter: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return running{connect(t, server.URL()), server.URL()}
}

func connect(t *testing.T, url string) *HTTP {
	t.Helper()
	c, err := NewHTTP(url)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func parcel(order, postalCode string) Parcel {
	return Parcel{
		Reference: "acme/" + order,
		Address:   shipment.Address{Name: "Ada", Line1: "1 Secret Road", City: "Town", PostalCode: postalCode, Country: "DE"},
		Lines:     []shipment.Line{{SKU: "cup", Quantity: 2}},
	}
}

func book(t *testing.T, c running, order, postalCode string) shipment.Report {
	t.Helper()
	r, err := c.Book(t.Context(), "acme/"+order+"/book/0", parcel(order, postalCode))
	if err != nil {
		t.Fatal(err)
	}
	if r.State != shipment.StateBooked || r.ID == "" || r.TrackingNumber == "" || r.Carrier != simulator.Name {
		t.Fatalf("booked: %+v", r)
	}
	return r
}

// move tells the simulator what becomes of the parcel.
func move(t *testing.T, c running, booking, where string) {
	t.Helper()
	response, err := http.Post(c.url+"/v1/bookings/"+booking+"/"+where, "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		t.Fatalf("%s: status %d", where, response.StatusCode)
	}
}

func TestAParcelGoesItsWay(t *testing.T) {
	t.Parallel()
	c := start(t)
	booked := book(t, c, "a", "12345")
	if again := book(t, c, "a", "12345"); again != booked {
		t.Errorf("the same key again: %+v, want %+v", again, booked)
	}
	for _, step := range []struct {
		move string
		want shipment.State
	}{{"", shipment.StateBooked}, {"pick-up", shipment.StatePickedUp}, {"deliver", shipment.StateDelivered}} {
		if step.move != "" {
			move(t, c, booked.ID, step.move)
		}
		found, err := c.Find(t.Context(), booked.ID)
		if err != nil {
			t.Fatal(err)
		}
		if found.State != step.want || found.Booking != booked.Booking {
			t.Errorf("found %+v, want %s", found, step.want)
		}
		if gone := step.want != shipment.StateBooked; gone && time.Since(found.At) > time.Minute {
			t.Errorf("%s at %s", found.State, found.At)
		}
		if there := step.want == shipment.StateDelivered; there && (found.PickedUpAt.IsZero() || found.PickedUpAt.After(found.At)) {
			t.Errorf("delivered at %s, picked up at %s", found.At, found.PickedUpAt)
		}
	}
}

func TestACancellation(t *testing.T) {
	t.Parallel()
	c := start(t)
	booked := book(t, c, "a", "12345")
	for range 2 {
		r, err := c.Cancel(t.Context(), "acme/a/cancel/0", booked.ID)
		if err != nil || r.State != shipment.StateCancelled || r.Booking != booked.Booking {
			t.Fatalf("cancelled: %+v, %v", r, err)
		}
	}
	if r, err := c.Find(t.Context(), booked.ID); err != nil || r.State != shipment.StateCancelled {
		t.Errorf("found: %+v, %v", r, err)
	}

	gone := book(t, c, "b", "12345")
	move(t, c, gone.ID, "pick-up")
	r, err := c.Cancel(t.Context(), "acme/b/cancel/0", gone.ID)
	if err != nil || r.State != shipment.StatePickedUp || r.At.IsZero() || r.Booking != gone.Booking {
		t.Errorf("too late: %+v, %v", r, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	c := start(t)
	var refused *RefusedError
	_, err := c.Book(t.Context(), "acme/a/book/0", parcel("a", simulator.PostalCodeRefused))
	if !errors.As(err, &refused) || refused.Code != "address_not_served" {
		t.Errorf("book: %v", err)
	}
	kept := book(t, c, "b", simulator.PostalCodeKept)
	_, err = c.Cancel(t.Context(), "acme/b/cancel/0", kept.ID)
	if !errors.As(err, &refused) || refused.Code != "cancellation_refused" {
		t.Errorf("cancel: %v", err)
	}
	move(t, c, kept.ID, "allow")
	if r, err := c.Cancel(t.Context(), "acme/b/cancel/1", kept.ID); err != nil || r.State != shipment.StateCancelled {
		t.Errorf("cancel, once allowed: %+v, %v", r, err)
	}
}

// A connection that is cut, and a 500, are asked again at once under the same key.
func TestSilenceIsAskedAgain(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, code := range []string{simulator.PostalCodeUnanswered, simulator.PostalCodeFailsOnce} {
		booked := book(t, c, code, code)
		if r, err := c.Cancel(t.Context(), "acme/"+code+"/cancel/0", booked.ID); err != nil || r.State != shipment.StateCancelled {
			t.Errorf("%s: %+v, %v", code, r, err)
		}
	}
}

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	const gone = `{"id":"bkg_1","status":"picked_up","carrier":"C","trackingNumber":"T","pickedUpAt":"2026-03-04T10:00:00Z"}`
	const booked = `{"id":"bkg_1","status":"booked","carrier":"C","trackingNumber":"T"}`
	parcel := shipment.Booking{ID: "bkg_1", Carrier: "C", TrackingNumber: "T"}
	at := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	type means struct {
		report shipment.Report
		err    error
		code   string // of a refusal
		once   bool   // it is an answer, however little it helps
	}
	unknown, rejected, refused := means{err: outside.ErrUnknown}, means{err: outside.ErrRejected}, means{code: "no_way"}
	unmoved := means{err: outside.ErrUnknown, once: true}
	stillBooked := means{report: shipment.Report{Booking: parcel, State: shipment.StateBooked}}
	pickedUp := means{report: shipment.Report{Booking: parcel, State: shipment.StatePickedUp, At: at}}
	for _, tc := range []struct {
		name               string
		status             int
		body               string
		book, cancel, find means
	}{
		{"done", 200, gone, pickedUp, pickedUp, pickedUp},
		{"booked", 200, booked, stillBooked, unmoved, stillBooked},
		{"booked, later", 202, booked, stillBooked, unmoved, stillBooked},
		{"done, but what?", 200, `{}`, unknown, unknown, unknown},
		{"done, and cut short", 201, `{"id":"bkg`, unknown, unknown, unknown},
		{"nowhere", 200, `{"id":"bkg_1","status":"lost"}`, unknown, unknown, unknown},
		{"picked up, but when?", 200, `{"id":"bkg_1","status":"picked_up"}`, unknown, unknown, unknown},
		{"no content", 204, ``, unknown, unknown, unknown},
		{"picked up already", 409, `{"code":"already_picked_up","booking":` + gone + `}`, pickedUp, pickedUp, pickedUp},
		{"picked up already, and no more", 409, `{"code":"already_picked_up"}`, unknown, unknown, unknown},
		{"refused, 422", 422, `{"code":"no_way"}`, refused, refused, rejected},
		{"refused, 409", 409, `{"code":"no_way"}`, rejected, refused, rejected},
		{"refused without a code", 422, `{}`, rejected, rejected, rejected},
		{"refused, unreadable", 422, `<html>`, rejected, rejected, rejected},
		{"refused with a letter", 422, `{"code":"Dear Ada, …"}`, rejected, rejected, rejected},
		{"key reused", 409, `{"code":"key_reused"}`, rejected, rejected, rejected},
		{"key reused, 422", 422, `{"code":"key_reused"}`, rejected, rejected, rejected},
		{"bad request", 400, `{"code":"invalid_request"}`, rejected, rejected, rejected},
		{"who are you?", 401, ``, rejected, rejected, rejected},
		{"forbidden", 403, `{"code":"forbidden"}`, rejected, rejected, rejected},
		{"no such booking", 404, `{"code":"unknown_booking"}`, rejected, rejected, rejected},
		{"elsewhere", 307, ``, rejected, rejected, rejected},
		{"request timeout", 408, ``, unknown, unknown, unknown},
		{"too many", 429, `{"code":"slow_down"}`, unknown, unknown, unknown},
		{"broken", 500, `{"code":"no_way"}`, unknown, unknown, unknown},
		{"overloaded", 503, ``, unknown, unknown, unknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			}))
			defer server.Close()
			check := func(operation string, want means, got shipment.Report, err error) {
				t.Helper()
				var refusal *RefusedError
				switch {
				case want.code != "":
					if !errors.As(err, &refusal) || refusal.Code != want.code {
						t.Errorf("%s: error %v, want a refusal: %s", operation, err, want.code)
					}
				case !errors.Is(err, want.err):
					t.Errorf("%s: error %v, want %v", operation, err, want.err)
				}
				if diff := cmp.Diff(want.report, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", operation, diff)
				}
				times := int32(1)
				if errors.Is(want.err, outside.ErrUnknown) && !want.once {
					times = 3
				}
				if n := calls.Swap(0); n != times {
					t.Errorf("%s: asked %d times, want %d", operation, n, times)
				}
			}
			// Each has a breaker of its own, which the silence towards the others does not concern.
			r, err := connect(t, server.URL).Book(t.Context(), "k", Parcel{})
			check("book", tc.book, r, err)
			r, err = connect(t, server.URL).Cancel(t.Context(), "k", "bkg_1")
			check("cancel", tc.cancel, r, err)
			r, err = connect(t, server.URL).Find(t.Context(), "bkg_1")
			check("find", tc.find, r, err)
		})
	}
}

func TestRequestOnTheWire(t *testing.T) {
	t.Parallel()
	type wire struct {
		Path, Key, ContentType string
		Body                   any
	}
	requests := make(chan wire, 4)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := wire{Path: r.Method + " " + r.URL.EscapedPath(), Key: r.Header.Get("Idempotency-Key"), ContentType: r.Header.Get("Content-Type")}
		if err := json.NewDecoder(r.Body).Decode(&asked.Body); err != nil && !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		requests <- asked
		status := shipment.StateBooked
		if strings.HasSuffix(r.URL.Path, "/cancel") {
			status = shipment.StateCancelled
		}
		fmt.Fprintf(w, `{"id":"x","status":%q}`, status)
	}))
	defer server.Close()
	c := connect(t, server.URL+"/")
	for _, tc := range []struct {
		call func() (shipment.Report, error)
		want wire
	}{
		{func() (shipment.Report, error) { return c.Book(t.Context(), "acme/a/book/0", parcel("a", "12345")) }, wire{
			"POST /v1/bookings", "acme/a/book/0", "application/json", map[string]any{
				"reference": "acme/a",
				"address": map[string]any{
					"name": "Ada", "line1": "1 Secret Road", "city": "Town", "postalCode": "12345", "country": "DE",
				},
				"lines": []any{map[string]any{"sku": "cup", "quantity": float64(2)}},
			},
		}},
		{func() (shipment.Report, error) { return c.Cancel(t.Context(), "acme/a/cancel/2", "bkg_/1") }, wire{
			"POST /v1/bookings/bkg_%2F1/cancel", "acme/a/cancel/2", "application/json", map[string]any{},
		}},
		{func() (shipment.Report, error) { return c.Find(t.Context(), "bkg_/1") }, wire{Path: "GET /v1/bookings/bkg_%2F1"}},
	} {
		if _, err := tc.call(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, <-requests); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// An error shows nothing of the address.
func TestErrorsAreFreeOfSecrets(t *testing.T) {
	t.Parallel()
	c := connect(t, "http://127.0.0.1:1")
	_, err := c.Book(t.Context(), "acme/a/book/0", parcel("a", "12345"))
	if !errors.Is(err, outside.ErrUnknown) {
		t.Fatalf("error %v", err)
	}
	if strings.Contains(err.Error(), "Secret") || strings.Contains(err.Error(), "12345") {
		t.Errorf("the error shows the address: %v", err)
	}
}

func TestNewHTTPRefusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "127.0.0.1:9082", "ftp://carrier", "http://", "http://[::1"} {
		if _, err := NewHTTP(base); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
}
