package shipping_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"waybill.dev/contracts"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/postgres"
	"waybill.dev/platform/server"
	"waybill.dev/platform/servicetest"
	shipping "waybill.dev/services/shipping"
	"waybill.dev/simulators/carrier"
)

const (
	acme   = "acme"
	secret = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0"
)

// suite is shipping beside a carrier that moves parcels only when told.
type suite struct {
	*servicetest.Service
	carrier string
}

// start runs both. Without a poll, pollAfter is an hour.
func start(t *testing.T, pollAfter time.Duration) *suite {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := startAt(t, pollAfter, "http://"+listener.Addr().String())
	s.startCarrier(t, carrier.Config{Listener: listener})
	return s
}

// startAt runs shipping, with a carrier that need not be there yet.
func startAt(t *testing.T, pollAfter time.Duration, carrierURL string) *suite {
	t.Helper()
	build := func(c server.Config) (server.Service, error) {
		return shipping.New(shipping.Config{Config: c, CarrierURL: carrierURL, CarrierWebhookSecret: secret, PollAfter: pollAfter})
	}
	described, err := build(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return &suite{servicetest.Start(t, "shipping", described.Migrations, build), carrierURL}
}

func (s *suite) startCarrier(t *testing.T, config carrier.Config) {
	t.Helper()
	config.PickUpAfter, config.DeliverAfter = time.Hour, time.Hour
	config.WebhookURL, config.WebhookSecret = s.URL+"/v1/carrier-webhooks", secret
	c, err := carrier.New(config)
	if err != nil {
		t.Fatal(err)
	}
	servicetest.Run(t, c.Run)
}

type order struct {
	servicetest.Order
	carrier string
}

func (s *suite) order() order { return order{s.Order(acme), s.carrier} }

var (
	reserved = contracts.StockReserved{}
	stop     = contracts.OrderCancellationRequested{RequestedBy: "customer", Reason: "changed my mind"}
	settled  = contracts.OrderResolved{Outcome: "cancelled", ResolvedBy: "ops", Reason: "by hand"}

	gone      = contracts.OrderShipped{Carrier: carrier.Name}
	there     = contracts.ShipmentDelivered{}
	cancelled = contracts.ShipmentCancelled{}
	tooLate   = contracts.CancellationRefused{}
	failed    = contracts.ShippingFailed{Code: "address_not_served"}
	attention = contracts.ShipmentAttentionRequired{Operation: "cancel", Code: "cancellation_refused"}
)

func placed(postalCode string) contracts.OrderPlaced {
	return contracts.OrderPlaced{
		Lines: []contracts.OrderLine{{SKU: "cup", Name: "A cup", Quantity: 2}},
		ShippingAddress: contracts.Address{
			Name: "Ada Secret", Line1: "1 Secret Road", City: "Secretville", PostalCode: postalCode, Country: "DE",
		},
	}
}

// says waits until shipping has said these, but for what only the carrier knows.
func (o order) says(t *testing.T, want ...contracts.Event) {
	t.Helper()
	o.Says(t, want,
		cmpopts.IgnoreFields(contracts.OrderShipped{}, "TrackingNumber", "PickedUpAt"),
		cmpopts.IgnoreFields(contracts.ShipmentDelivered{}, "DeliveredAt"))
	for _, m := range o.Said() {
		if m.CorrelationID != "correlation-"+o.ID {
			t.Errorf("%s has correlation %q", m.Data.Type(), m.CorrelationID)
		}
	}
}

// shown waits until the shipment has this status, and gives what is shown.
func (o order) shown(t *testing.T, status string) shipping.ShipmentWithTimeline {
	t.Helper()
	var shown shipping.ShipmentWithTimeline
	var answer servicetest.Response
	servicetest.Eventually(t, func() bool {
		if answer = o.Call(t, o.Tenant, http.MethodGet, "/v1/shipments/"+o.ID, nil); answer.Status != http.StatusOK {
			return false
		}
		shown = shipping.ShipmentWithTimeline{}
		answer.JSON(t, &shown)
		return string(shown.Status) == status
	}, func() string { return fmt.Sprintf("never %s: %d %s", status, answer.Status, answer.Body) })
	return shown
}

// database is the service's own login to its database.
func (o order) database(t *testing.T) *pgx.Conn {
	t.Helper()
	db, err := pgx.Connect(t.Context(), o.Access.ServiceURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.WithoutCancel(t.Context())) })
	return db
}

func (o order) wantTimeline(t *testing.T, got shipping.ShipmentWithTimeline, want ...string) {
	t.Helper()
	var what []string
	for _, h := range got.Timeline {
		what = append(what, h.What)
		if age := time.Since(h.At); age < 0 || age > 2*time.Minute {
			t.Errorf("%s at %s", h.What, h.At)
		}
	}
	less := cmpopts.SortSlices(func(a, b string) bool { return a < b }) // what is heard comes in any order
	if diff := cmp.Diff(want, what, less); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
}

// bookings are the carrier's books of the order.
func (o order) bookings(t *testing.T) []carrier.Booking {
	t.Helper()
	books := servicetest.Service{URL: o.carrier}
	var page carrier.BookingPage
	books.Call(t, "", http.MethodGet, "/v1/bookings?reference="+o.Tenant+"/"+o.ID, nil).JSON(t, &page)
	return page.Bookings
}

// move tells the carrier what becomes of the order's parcel.
func (o order) move(t *testing.T, where string) {
	t.Helper()
	b := o.bookings(t)
	if len(b) != 1 {
		t.Fatalf("the carrier has %d bookings of the order", len(b))
	}
	books := servicetest.Service{URL: o.carrier}
	if answer := books.Call(t, "", http.MethodPost, "/v1/bookings/"+b[0].ID+"/"+where, nil); answer.Status != http.StatusNoContent {
		t.Fatalf("%s: %d %s", where, answer.Status, answer.Body)
	}
}

func (o order) wantBooks(t *testing.T, statuses ...carrier.Status) {
	t.Helper()
	var got []carrier.Status
	for _, b := range o.bookings(t) {
		got = append(got, b.Status)
	}
	if diff := cmp.Diff(statuses, got); diff != "" {
		t.Errorf("the carrier's books (-want +got):\n%s", diff)
	}
}

// Every way a parcel can go: HTTP, webhooks and Kafka in, Kafka out, the carrier's books at the end.
func TestService(t *testing.T) {
	t.Parallel()
	s := start(t, time.Hour)
	t.Cleanup(func() { // when all is done
		for _, word := range []string{"Secret", "whsec_", strings.TrimPrefix(secret, "whsec_")} {
			if strings.Contains(s.Log.String(), word) {
				t.Errorf("the log shows %q", word)
			}
		}
	})

	for name, code := range map[string]string{
		"there":                               "12345",
		"there, the carrier cuts connections": carrier.PostalCodeUnanswered,
		"there, the carrier fails once":       carrier.PostalCodeFailsOnce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := s.order()
			o.Hears(t, placed(code), reserved)
			o.shown(t, "booked")
			o.move(t, "pick-up")
			o.says(t, gone)
			o.shown(t, "shipped")
			o.move(t, "deliver")
			o.says(t, gone, there)
			shown := o.shown(t, "delivered")
			book := o.bookings(t)[0]
			if shown.TrackingNumber != book.TrackingNumber || shown.Carrier != carrier.Name || shown.Attention != "" {
				t.Errorf("shown %+v, booked %+v", shown, book)
			}
			for _, m := range o.Said() {
				if e, ok := m.Data.(contracts.OrderShipped); ok && (e.TrackingNumber != book.TrackingNumber || !e.PickedUpAt.Equal(*book.PickedUpAt)) {
					t.Errorf("said %+v, booked %+v", e, book)
				}
				if e, ok := m.Data.(contracts.ShipmentDelivered); ok && !e.DeliveredAt.Equal(*book.DeliveredAt) {
					t.Errorf("said %+v, booked %+v", e, book)
				}
			}
			o.wantTimeline(t, shown, "order-placed", "stock-reserved", "booking-asked", "booked", "picked-up", "delivered")
			o.Hears(t, stop)
			o.says(t, gone, there, tooLate)
			o.wantBooks(t, carrier.Delivered)
		})
	}

	t.Run("the stock is heard of first", func(t *testing.T) {
		t.Parallel()
		o := s.order()
		o.Hears(t, reserved)
		o.shown(t, "waiting")
		o.Hears(t, placed("12345"))
		o.shown(t, "booked")
		o.wantBooks(t, carrier.Booked)
	})

	t.Run("the carrier does not go there", func(t *testing.T) {
		t.Parallel()
		o := s.order()
		o.Hears(t, placed(carrier.PostalCodeRefused), reserved)
		o.says(t, failed)
		o.shown(t, "failed")
		o.wantBooks(t)
	})

	t.Run("cancelled before anything else is heard", func(t *testing.T) {
		t.Parallel()
		o := s.order()
		o.Hears(t, stop)
		o.says(t, cancelled)
		o.Hears(t, placed("12345"), reserved)
		servicetest.Eventually(t, func() bool { return len(o.shown(t, "cancelled").Timeline) == 4 },
			func() string { return "what comes late is not noted" })
		o.says(t, cancelled)
		o.wantBooks(t)
	})

	for name, code := range map[string]string{
		"cancelled before the pick-up":                     "12345",
		"cancelled, and the carrier cuts the connection":   carrier.PostalCodeUnanswered,
		"cancelled, and the carrier fails the first times": carrier.PostalCodeFailsOnce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := s.order()
			o.Hears(t, placed(code), reserved)
			o.shown(t, "booked")
			o.Hears(t, stop)
			o.says(t, cancelled)
			o.wantTimeline(t, o.shown(t, "cancelled"), "order-placed", "stock-reserved", "booking-asked", "booked",
				"cancellation-requested", "cancellation-asked", "cancelled")
			o.wantBooks(t, carrier.Cancelled)
		})
	}

	t.Run("cancelled after the pick-up, of which nothing was heard", func(t *testing.T) {
		t.Parallel()
		o := s.order()
		o.Hears(t, placed(carrier.PostalCodeSilent), reserved)
		o.shown(t, "booked")
		o.move(t, "pick-up")
		o.Hears(t, stop)
		o.says(t, gone, tooLate)
		o.shown(t, "shipped")
		o.wantBooks(t, carrier.PickedUp)
	})

	t.Run("the carrier will not cancel, until somebody has talked to it", func(t *testing.T) {
		t.Parallel()
		o := s.order()
		o.Hears(t, placed(carrier.PostalCodeKept), reserved)
		o.shown(t, "booked")
		retry := "/v1/shipments/" + o.ID + "/retry"
		if answer := o.Call(t, acme, http.MethodPost, retry, nil); answer.Status != http.StatusConflict {
			t.Errorf("retry of what needs no attention: %d %s", answer.Status, answer.Body)
		}
		o.Hears(t, stop)
		o.says(t, attention)
		if shown := o.shown(t, "cancelling"); shown.Attention != "cancel refused: cancellation_refused" {
			t.Errorf("attention %q", shown.Attention)
		}
		o.move(t, "allow")
		first := o.Call(t, acme, http.MethodPost, retry, nil, "Idempotency-Key", "once", "X-Correlation-ID", "correlation-"+o.ID)
		if first.Status != http.StatusAccepted || first.Header.Get("Location") != "/v1/shipments/"+o.ID {
			t.Fatalf("retry: %d %v %s", first.Status, first.Header, first.Body)
		}
		o.says(t, attention, cancelled)
		if again := o.Call(t, acme, http.MethodPost, retry, nil, "Idempotency-Key", "once", "X-Correlation-ID", "correlation-"+o.ID); again.Status != http.StatusAccepted || !bytes.Equal(first.Body, again.Body) {
			t.Errorf("the same request again: %d %s, want %s", again.Status, again.Body, first.Body)
		}
		if answer := o.Call(t, acme, http.MethodPost, retry, nil, "Idempotency-Key", "twice"); answer.Status != http.StatusConflict {
			t.Errorf("nothing needs attention any more: %d %s", answer.Status, answer.Body)
		}
		if shown := o.shown(t, "cancelled"); shown.Attention != "" {
			t.Errorf("attention %q", shown.Attention)
		}
		o.wantBooks(t, carrier.Cancelled)
	})

	t.Run("settled by hand: nothing more is begun", func(t *testing.T) {
		t.Parallel()
		o := s.order()
		o.Hears(t, settled)
		o.shown(t, "waiting")
		o.Hears(t, placed("12345"), reserved, stop)
		servicetest.Eventually(t, func() bool { return len(o.shown(t, "waiting").Timeline) == 4 },
			func() string { return "what comes late is not noted" })
		o.says(t)
		o.wantBooks(t)
	})

	t.Run("webhooks", func(t *testing.T) {
		t.Parallel()
		webhooks(t, s)
	})

	t.Run("a job that is done again comes to nothing", func(t *testing.T) {
		t.Parallel()
		o := s.order()
		o.Hears(t, placed("12345"), reserved)
		o.shown(t, "booked")
		o.Hears(t, stop)
		o.says(t, cancelled)
		db := o.database(t)
		bothDone := func() bool {
			var n int
			if err := db.QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE state = 'completed' AND args @> jsonb_build_object('jobs', jsonb_build_array(jsonb_build_object('subject', $1::text)))`,
				o.ID).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n == 2
		}
		never := func() string { return "the jobs are never completed" }
		servicetest.Eventually(t, bothDone, never)
		if _, err := db.Exec(t.Context(), `UPDATE river_job SET state = 'available', finalized_at = NULL WHERE args @> jsonb_build_object('jobs', jsonb_build_array(jsonb_build_object('subject', $1::text)))`,
			o.ID); err != nil {
			t.Fatal(err)
		}
		servicetest.Eventually(t, bothDone, never)
		o.says(t, cancelled)
		o.wantBooks(t, carrier.Cancelled)
		if shown := o.shown(t, "cancelled"); len(shown.Timeline) != 7 {
			t.Errorf("%+v", shown)
		}
	})

	t.Run("a parcel is open until nothing more is to be heard of it", func(t *testing.T) {
		t.Parallel()
		open := func(o order, want bool) {
			t.Helper()
			var booking string
			err := o.database(t).QueryRow(t.Context(), "SELECT booking_id FROM open_parcels WHERE tenant = $1 AND order_id = $2",
				o.Tenant, o.ID).Scan(&booking)
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				t.Fatal(err)
			}
			if want && booking != o.bookings(t)[0].ID || !want && booking != "" {
				t.Errorf("open under %q, want %t", booking, want)
			}
		}
		delivered, stopped, resolved, refused := s.order(), s.order(), s.order(), s.order()
		for _, o := range []order{delivered, stopped, resolved} {
			o.Hears(t, placed("12345"), reserved)
			o.shown(t, "booked")
			open(o, true)
		}
		delivered.move(t, "pick-up")
		delivered.shown(t, "shipped")
		open(delivered, true)
		delivered.move(t, "deliver")
		delivered.shown(t, "delivered")
		stopped.Hears(t, stop)
		stopped.shown(t, "cancelled")
		resolved.Hears(t, settled)
		servicetest.Eventually(t, func() bool { return len(resolved.shown(t, "booked").Timeline) == 5 },
			func() string { return "the resolution is not noted" })
		refused.Hears(t, placed(carrier.PostalCodeRefused), reserved)
		refused.shown(t, "failed")
		for _, o := range []order{delivered, stopped, resolved, refused} {
			open(o, false)
		}
	})

	t.Run("no tenant sees another's", func(t *testing.T) {
		t.Parallel()
		o := s.order()
		o.Hears(t, placed("12345"))
		o.shown(t, "waiting")
		for method, path := range map[string]string{http.MethodGet: "", http.MethodPost: "/retry"} {
			answer := o.Call(t, "other", method, "/v1/shipments/"+o.ID+path, nil)
			if answer.Status != http.StatusNotFound || answer.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s by another tenant: %d %s", method, answer.Status, answer.Body)
			}
		}
	})

	t.Run("bad requests", func(t *testing.T) {
		t.Parallel()
		o := s.order()
		for _, tc := range []struct {
			method, path, tenant, key string
			want                      int
		}{
			{http.MethodGet, "/v1/shipments/" + o.ID, acme, "", 404},
			{http.MethodPost, "/v1/shipments/" + o.ID + "/retry", acme, "", 404},
			{http.MethodGet, "/v1/shipments/" + strings.Repeat("x", 65), acme, "", 422},
			{http.MethodGet, "/v1/shipments/" + o.ID, "No Tenant", "", 400},
			{http.MethodGet, "/v1/shipments/a%00b", acme, "", 400},
			{http.MethodPost, "/v1/shipments/" + o.ID + "/retry", acme, strings.Repeat("k", 256), 400},
			{http.MethodDelete, "/v1/shipments/" + o.ID, acme, "", 405},
		} {
			answer := o.Call(t, tc.tenant, tc.method, tc.path, nil, "Idempotency-Key", tc.key)
			if tc.key == "" {
				answer = o.Call(t, tc.tenant, tc.method, tc.path, nil)
			}
			if answer.Status != tc.want || answer.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %.60s: %d, want %d: %s", tc.method, tc.path, answer.Status, tc.want, answer.Body)
			}
		}
	})

	t.Run("the API is described", func(t *testing.T) {
		t.Parallel()
		var api struct {
			Paths map[string]map[string]struct {
				Summary, Description string
				RequestBody          struct{ Content map[string]any }
			}
		}
		s.Call(t, "", http.MethodGet, "/openapi.json", nil).JSON(t, &api)
		for path, method := range map[string]string{
			"/v1/shipments/{orderId}": "get", "/v1/shipments/{orderId}/retry": "post", "/v1/carrier-webhooks": "post",
		} {
			if op := api.Paths[path][method]; op.Summary == "" || op.Description == "" {
				t.Errorf("%s %s is not described", method, path)
			}
		}
		if api.Paths["/v1/carrier-webhooks"]["post"].RequestBody.Content["application/json"] == nil {
			t.Error("a webhook's body is not described")
		}
	})
}

// webhook is a webhook's parts, as the carrier would send them.
type webhook struct {
	id, body  string
	key       string // Idempotency-Key; empty without
	sent      time.Time
	signature string // of the parts, unless given
}

func (s *suite) send(t *testing.T, w webhook) servicetest.Response {
	t.Helper()
	if w.sent.IsZero() {
		w.sent = time.Now()
	}
	if w.signature == "" {
		signer, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if w.signature, err = signer.Sign(w.id, w.sent, []byte(w.body)); err != nil {
			t.Fatal(err)
		}
	}
	headers := []string{
		"webhook-id", w.id, "webhook-timestamp", strconv.FormatInt(w.sent.Unix(), 10), "webhook-signature", w.signature,
	}
	if w.key != "" {
		headers = append(headers, "Idempotency-Key", w.key)
	}
	// The tenant is that of the reference, and this one is nobody's.
	return s.Call(t, "nobody", http.MethodPost, "/v1/carrier-webhooks", []byte(w.body), headers...)
}

func webhookBody(kind, reference, booking string) string {
	return fmt.Sprintf(`{"type":%q,"timestamp":"2026-03-04T10:00:00Z","data":{"reference":%q,"bookingId":%q,"trackingNumber":"SP1","carrier":%q,"at":"2026-03-04T10:00:00Z"}}`,
		kind, reference, booking, carrier.Name)
}

// parked are the ids of the webhooks that are parked for a tenant, and why.
func (s *suite) parked(t *testing.T, tenant string) map[string]string {
	t.Helper()
	var page struct {
		Items []struct{ MessageID, Topic, Error string }
	}
	s.Call(t, tenant, http.MethodGet, "/v1/parked?limit=100", nil).JSON(t, &page)
	parked := map[string]string{}
	for _, p := range page.Items {
		if strings.HasPrefix(p.Topic, "carrier-") {
			parked[p.MessageID] = p.Error
		}
	}
	return parked
}

func webhooks(t *testing.T, s *suite) {
	t.Helper()
	o := s.order()
	o.Hears(t, placed(carrier.PostalCodeSilent), reserved)
	o.shown(t, "booked")
	booking := o.bookings(t)[0].ID
	reference := acme + "/" + o.ID
	pickUp := webhook{id: "msg_1_" + o.ID, body: webhookBody("parcel.picked_up", reference, booking)}

	for name, forged := range map[string]webhook{
		"another's signature": {id: "x", body: pickUp.body, signature: "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
		"no signature":        {id: "x", body: pickUp.body, signature: " "},
		"too old":             {id: "x", body: pickUp.body, sent: time.Now().Add(-6 * time.Minute)},
		"from the future":     {id: "x", body: pickUp.body, sent: time.Now().Add(6 * time.Minute)},
		"no id":               {body: pickUp.body},
	} {
		if answer := s.send(t, forged); answer.Status != http.StatusUnauthorized || answer.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
		}
	}
	bare := s.Call(t, "", http.MethodPost, "/v1/carrier-webhooks", []byte(pickUp.body))
	if bare.Status != http.StatusUnauthorized {
		t.Errorf("no headers: %d %s", bare.Status, bare.Body)
	}
	o.says(t)

	for _, w := range []webhook{pickUp, pickUp, {id: "msg_other_" + o.ID, body: pickUp.body}} {
		if answer := s.send(t, w); answer.Status != http.StatusAccepted {
			t.Fatalf("a pick-up: %d %s", answer.Status, answer.Body)
		}
	}
	o.says(t, gone)
	deliver := webhook{id: "msg_2_" + o.ID, body: webhookBody("parcel.delivered", reference, booking)}
	s.send(t, deliver)
	o.says(t, gone, there)

	keyed := webhook{id: "msg_3_" + o.ID, body: deliver.body, key: "once-" + o.ID}
	another := webhook{id: "msg_4_" + o.ID, body: webhookBody("parcel.eaten", reference, booking), key: keyed.key}
	for i, want := range []int{http.StatusAccepted, http.StatusAccepted, http.StatusUnprocessableEntity} {
		if answer := s.send(t, []webhook{keyed, keyed, another}[i]); answer.Status != want {
			t.Errorf("try %d under a key: %d %s", i, answer.Status, answer.Body)
		}
	}

	late := s.order()
	late.Hears(t, placed("12345"))
	late.shown(t, "waiting")
	for _, tc := range []struct{ id, body, tenant, why string }{
		{"unknown-order", webhookBody("parcel.picked_up", acme+"/nobody", booking), acme, "there is no shipment"},
		{"unknown-tenant", webhookBody("parcel.picked_up", "elsewhere/"+o.ID, booking), "elsewhere", "there is no shipment"},
		{"never-asked", webhookBody("parcel.picked_up", acme+"/"+late.ID, booking), acme, "no booking was asked"},
		{"another-booking", webhookBody("parcel.picked_up", reference, "bkg_other"), acme, "the carrier reports another"},
		{"unknown-type", webhookBody("parcel.eaten", reference, booking), acme, "unknown type"},
	} {
		id := tc.id + "-" + o.ID
		for range 2 {
			if answer := s.send(t, webhook{id: id, body: tc.body}); answer.Status != http.StatusAccepted {
				t.Errorf("%s: %d %s", tc.id, answer.Status, answer.Body)
			}
		}
		if why := s.parked(t, tc.tenant)[id]; !strings.Contains(why, tc.why) {
			t.Errorf("%s is parked because %q, want %q", tc.id, why, tc.why)
		}
	}
	for _, w := range []webhook{
		{id: "no-reference-" + o.ID, body: webhookBody("parcel.picked_up", "no reference", booking)},
		{id: "array-" + o.ID, body: `[]`},
		{id: "no-time-" + o.ID, body: `{"type":"parcel.picked_up","data":{"reference":"` + reference + `","bookingId":"` + booking + `"}}`},
	} {
		if answer := s.send(t, w); answer.Status != http.StatusAccepted {
			t.Errorf("%s: %d %s", w.id, answer.Status, answer.Body)
		}
	}
	o.says(t, gone, there)
}

// A webhook that is lost is made up for by the poll.
func TestPoll(t *testing.T) {
	t.Parallel()
	s := start(t, 100*time.Millisecond)
	o := s.order()
	o.Hears(t, placed(carrier.PostalCodeSilent), reserved)
	o.shown(t, "booked")
	o.move(t, "pick-up")
	o.says(t, gone)
	o.move(t, "deliver")
	o.says(t, gone, there)
	o.wantTimeline(t, o.shown(t, "delivered"), "order-placed", "stock-reserved", "booking-asked", "booked", "picked-up", "delivered")
	o.wantBooks(t, carrier.Delivered)
}

// What the carrier answers of another booking than ours is asked once, and shown to a person.
func TestContradictionIsShownToAPerson(t *testing.T) {
	t.Parallel()
	answer := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/bookings", answer(`{"id":"bkg_1","status":"booked","carrier":"C","trackingNumber":"T"}`))
	mux.HandleFunc("POST /v1/bookings/bkg_1/cancel", answer(`{"id":"bkg_2","status":"cancelled","carrier":"C","trackingNumber":"T"}`))
	mux.HandleFunc("GET /v1/bookings/bkg_1", answer(`{"id":"bkg_2","status":"picked_up","carrier":"C","trackingNumber":"T","pickedUpAt":"2026-03-04T10:00:00Z"}`))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s := startAt(t, 100*time.Millisecond, server.URL)
	o := s.order()
	o.Hears(t, placed("12345"), reserved)
	o.shown(t, "booked")
	isParked := func(id string) {
		t.Helper()
		servicetest.Eventually(t, func() bool { return strings.Contains(s.parked(t, acme)[id], "the carrier reports another") },
			func() string { return fmt.Sprintf("%s is not among %v", id, s.parked(t, acme)) })
	}
	isParked("poll:bkg_1:picked_up")
	o.Hears(t, stop)
	o.says(t, contracts.ShipmentAttentionRequired{Operation: "cancel", Code: "contradiction"})
	isParked("job:" + acme + "/" + o.ID + "/cancel/0")
	if shown := o.shown(t, "cancelling"); shown.Attention != "cancel refused: contradiction" {
		t.Errorf("attention %q", shown.Attention)
	}
	if retry := o.Call(t, acme, http.MethodPost, "/v1/shipments/"+o.ID+"/retry", nil); retry.Status != http.StatusAccepted {
		t.Errorf("retry: %d %s", retry.Status, retry.Body)
	}
	isParked("job:" + acme + "/" + o.ID + "/cancel/1")
}

// A webhook that came before its order is taken when it is redriven.
func TestAParkedWebhookIsTakenWhenItIsRedriven(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/bookings", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"id":"bkg_1","status":"booked","carrier":"C","trackingNumber":"SP1"}`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s := startAt(t, time.Hour, server.URL)
	o := s.order()
	early := webhook{id: "early", body: webhookBody("parcel.picked_up", acme+"/"+o.ID, "bkg_1")}
	unreadable := webhook{id: "unreadable", body: `{"type":7,"data":{"reference":"` + acme + `/x"}}`}
	for _, w := range []webhook{early, unreadable} {
		if answer := s.send(t, w); answer.Status != http.StatusAccepted {
			t.Fatalf("%d %s", answer.Status, answer.Body)
		}
	}
	o.Hears(t, placed("12345"), reserved)
	o.shown(t, "booked")

	pool, err := postgres.Open(t.Context(), s.Access.ServiceURL, postgres.Options{Service: "shipping"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	list := func(state messaging.State) (ids []string, messages []uuid.UUID) {
		parked, err := messaging.List(t.Context(), pool, messaging.Filter{State: state}, 10, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parked {
			ids, messages = append(ids, p.MessageID), append(messages, p.ID)
		}
		return ids, messages
	}
	_, messages := list(messaging.StateParked)
	if _, err := messaging.Redrive(t.Context(), pool, messages, messaging.Operator{Name: "ada"}); err != nil {
		t.Fatal(err)
	}
	o.says(t, gone)
	o.shown(t, "shipped")
	var ids []string
	servicetest.Eventually(t, func() bool {
		ids, messages = list(messaging.StateParked)
		redriven, _ := list(messaging.StateRedriven)
		return len(ids) == 1 && len(redriven) == 1 && redriven[0] == "early"
	}, func() string { return fmt.Sprint("parked are ", ids) })
	if _, history, err := messaging.Show(t.Context(), pool, messages[0]); err != nil || len(history) == 0 {
		t.Errorf("%v, %v", history, err)
	}
}

// A cancellation that leaves the booking as it was is asked for again, until the carrier says what became of it.
func TestACancellationIsAskedForUntilItIsAnswered(t *testing.T) {
	t.Parallel()
	const books = `{"id":"bkg_1","status":%q,"carrier":"C","trackingNumber":"T"}`
	keys := make(chan string, 100)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/bookings", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, books, "booked") })
	mux.HandleFunc("POST /v1/bookings/bkg_1/cancel", func(w http.ResponseWriter, r *http.Request) {
		keys <- r.Header.Get("Idempotency-Key")
		if len(keys) < 4 { // more often than one job asks
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprintf(w, books, "booked")
			return
		}
		fmt.Fprintf(w, books, "cancelled")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	o := startAt(t, time.Hour, server.URL).order()
	o.Hears(t, placed("12345"), reserved)
	o.shown(t, "booked")
	o.Hears(t, stop)
	o.says(t, cancelled)
	for range 4 {
		if key := <-keys; key != acme+"/"+o.ID+"/cancel/0" {
			t.Errorf("asked under %q", key)
		}
	}
}

// While the carrier is away nothing is decided and readiness tells; when it comes, everything goes on.
func TestTheCarrierIsAway(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	s := startAt(t, time.Hour, "http://"+address)
	var orders []order
	for range 10 {
		o := s.order()
		o.Hears(t, placed("12345"), reserved)
		orders = append(orders, o)
	}
	var ready struct{ Degraded []string }
	servicetest.Eventually(t, func() bool {
		s.Call(t, "", http.MethodGet, "/readyz", nil).JSON(t, &ready)
		return slices.Contains(ready.Degraded, "breaker:carrier")
	}, func() string { return fmt.Sprintf("never degraded: %v", ready) })
	orders[0].Hears(t, stop)
	orders[0].shown(t, "cancelling") // silence is no answer
	orders[0].says(t)

	s.startCarrier(t, carrier.Config{Listen: address})
	orders[0].says(t, cancelled)
	orders[0].wantBooks(t, carrier.Cancelled)
	for _, o := range orders[1:] {
		o.shown(t, "booked")
		o.wantBooks(t, carrier.Booked)
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	for variable, config := range map[string]shipping.Config{
		"CARRIER_URL": {CarrierURL: "carrier", CarrierWebhookSecret: secret, PollAfter: time.Second},
		"POLL_AFTER":  {CarrierURL: "http://carrier", CarrierWebhookSecret: secret},
	} {
		if _, err := shipping.New(config); err == nil || !strings.Contains(err.Error(), variable) {
			t.Errorf("%s: %v", variable, err)
		}
	}
	for _, wrong := range []string{"", "whsec_", "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0", "whsec_c2hvcnQ=", "whsec_not base64 not base64 not base64"} {
		config := shipping.Defaults()
		config.CarrierWebhookSecret = wrong
		_, err := shipping.New(config)
		if err == nil || !regexp.MustCompile(`^CARRIER_WEBHOOK_SECRET: must be`).MatchString(err.Error()) {
			t.Errorf("secret %q: %v", wrong, err)
		}
	}
}
