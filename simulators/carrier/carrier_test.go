package carrier_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"waybill.dev/simulators/carrier"
	"waybill.dev/simulators/internal/simtest"
)

const longAfter = 24 * time.Hour

// start runs a carrier on a free port and returns a client of it.
func start(t testing.TB, config carrier.Config) (client *simtest.Client, stop func()) {
	t.Helper()
	config.Listen = "127.0.0.1:0"
	server, err := carrier.New(config)
	if err != nil {
		t.Fatal(err)
	}
	stop = simtest.Run(t, server)
	return simtest.NewClient(t, server.URL()), stop
}

func parcel(postalCode string) carrier.BookRequest {
	return carrier.BookRequest{
		Reference: "shop/1",
		Address: carrier.Address{
			Name: "A. Customer", Line1: "Main Street 1", City: "Town", PostalCode: postalCode, Country: "DE",
		},
		Lines: []carrier.Line{{SKU: "MUG-1", Quantity: 2}},
	}
}

// book books a parcel for order shop/1, over any fault of its postal code.
func book(t testing.TB, client *simtest.Client, postalCode string) carrier.Booking {
	t.Helper()
	body := parcel(postalCode)
	answer, err := client.TryPost(t, "/v1/bookings", "shop/1/book/1", body)
	if err != nil || answer.Status == http.StatusInternalServerError {
		answer = client.Post(t, "/v1/bookings", "shop/1/book/1", body)
	}
	if answer.Status != http.StatusCreated {
		t.Fatalf("book: %+v", answer)
	}
	return simtest.Into[carrier.Booking](t, answer)
}

func booking(t testing.TB, client *simtest.Client, id string) carrier.Booking {
	t.Helper()
	answer := client.Get(t, "/v1/bookings/"+id)
	if answer.Status != http.StatusOK {
		t.Fatalf("GET booking: %+v", answer)
	}
	return simtest.Into[carrier.Booking](t, answer)
}

func comesTo(t testing.TB, client *simtest.Client, id string, status carrier.Status) carrier.Booking {
	t.Helper()
	var now carrier.Booking
	simtest.Eventually(t, "the parcel is "+string(status), func() bool {
		now = booking(t, client, id)
		return now.Status == status
	})
	return now
}

// hook is a server that takes webhooks.
type hook struct {
	URL, secret string

	mu     sync.Mutex
	tries  []string // the ids of all that came
	taken  map[string]carrier.Webhook
	answer func(try int) int // the status to answer the nth try with, from 1
}

func newHook(t testing.TB) *hook {
	key := make([]byte, 24)
	_, _ = rand.Read(key)
	h := &hook{
		secret: "whsec_" + base64.StdEncoding.EncodeToString(key), taken: map[string]carrier.Webhook{},
		answer: func(int) int { return http.StatusNoContent },
	}
	verifier, err := standardwebhooks.NewWebhook(h.secret)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payload, err := io.ReadAll(r.Body)
		if err != nil {
			return // the carrier was stopped meanwhile
		}
		if err := verifier.Verify(payload, r.Header); err != nil {
			t.Errorf("the signature: %v", err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		id := r.Header.Get("webhook-id")
		h.tries = append(h.tries, id)
		status := h.answer(len(h.tries))
		if status/100 == 2 {
			var webhook carrier.Webhook
			if err := json.Unmarshal(payload, &webhook); err != nil {
				t.Errorf("the webhook %s: %v", payload, err)
			}
			h.taken[id] = webhook
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	h.URL = server.URL
	return h
}

func (h *hook) config() carrier.Config {
	return carrier.Config{
		WebhookURL: h.URL, WebhookSecret: h.secret, RetryFrom: 2 * time.Millisecond, RetryUpTo: 20 * time.Millisecond,
	}
}

func (h *hook) see() (tries []string, taken map[string]carrier.Webhook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	taken = map[string]carrier.Webhook{}
	for id, webhook := range h.taken {
		taken[id] = webhook
	}
	return slices.Clone(h.tries), taken
}

func (h *hook) takes(t testing.TB, count int) map[string]carrier.Webhook {
	t.Helper()
	var taken map[string]carrier.Webhook
	simtest.Eventually(t, "the webhooks are taken", func() bool {
		_, taken = h.see()
		return len(taken) >= count
	})
	if len(taken) != count {
		t.Fatalf("%d webhooks were taken, want %d", len(taken), count)
	}
	return taken
}

func TestAParcelIsBookedPickedUpAndDelivered(t *testing.T) {
	t.Parallel()
	hook := newHook(t)
	client, _ := start(t, hook.config())
	booked := book(t, client, "12345")
	if booked.Status != carrier.Booked || booked.Reference != "shop/1" || booked.Carrier != carrier.Name ||
		!strings.HasPrefix(booked.ID, "bkg_") || !strings.HasPrefix(booked.TrackingNumber, "SP") ||
		booked.PickedUpAt != nil {
		t.Errorf("the answer is %+v", booked)
	}
	end := comesTo(t, client, booked.ID, carrier.Delivered)
	if end.PickedUpAt == nil || end.DeliveredAt == nil || end.CancelledAt != nil || end.PickedUpAt.Before(end.BookedAt) {
		t.Errorf("in the end: %+v", end)
	}
	got := map[string]carrier.Webhook{}
	for _, webhook := range hook.takes(t, 2) {
		got[webhook.Type] = webhook
	}
	for kind, at := range map[string]time.Time{
		carrier.ParcelPickedUp: *end.PickedUpAt, carrier.ParcelDelivered: *end.DeliveredAt,
	} {
		want := carrier.Webhook{Type: kind, Timestamp: at, Data: carrier.WebhookData{
			Reference: "shop/1", BookingID: booked.ID, TrackingNumber: booked.TrackingNumber, Carrier: carrier.Name, At: at,
		}}
		if diff := cmp.Diff(want, got[kind]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
	if again := book(t, client, "12345"); !cmp.Equal(again, booked) {
		t.Errorf("the repeat has %+v, the first %+v", again, booked)
	}
}

func TestParcelsTakeTheirTime(t *testing.T) {
	t.Parallel()
	const pickUp, deliver = 100 * time.Millisecond, 150 * time.Millisecond
	client, _ := start(t, carrier.Config{PickUpAfter: pickUp, DeliverAfter: deliver})
	end := comesTo(t, client, book(t, client, "12345").ID, carrier.Delivered)
	if took := end.PickedUpAt.Sub(end.BookedAt); took < pickUp {
		t.Errorf("picked up after %s", took)
	}
	if took := end.DeliveredAt.Sub(*end.PickedUpAt); took < deliver {
		t.Errorf("delivered after %s", took)
	}
}

func TestARefusedAddress(t *testing.T) {
	t.Parallel()
	client, _ := start(t, carrier.Config{})
	for range 2 {
		answer := client.Post(t, "/v1/bookings", "shop/1/book/1", parcel(carrier.PostalCodeRefused))
		if answer.Status != http.StatusUnprocessableEntity || answer.Code() != "address_not_served" {
			t.Errorf("%+v", answer)
		}
	}
	page := simtest.Into[carrier.BookingPage](t, client.Get(t, "/v1/bookings"))
	if len(page.Bookings) != 0 {
		t.Errorf("the books have %+v", page)
	}
}

func TestACancelledParcelStays(t *testing.T) {
	t.Parallel()
	hook := newHook(t)
	config := hook.config()
	config.PickUpAfter = 50 * time.Millisecond
	client, _ := start(t, config)
	id := book(t, client, "12345").ID
	var first simtest.Answer
	for i, key := range []string{"cancel/1", "cancel/1", "cancel/2"} {
		answer := client.Post(t, "/v1/bookings/"+id+"/cancel", key, nil)
		if got := simtest.Into[carrier.Booking](t, answer); answer.Status != http.StatusOK ||
			got.Status != carrier.Cancelled || got.CancelledAt == nil {
			t.Fatalf("%s: %+v", key, answer)
		}
		if i == 0 {
			first = answer
		} else if answer != first {
			t.Errorf("%s has %+v, the first %+v", key, answer, first)
		}
	}
	// A parcel that was booked later and is picked up shows that the time has come, and nothing happened.
	later := client.Post(t, "/v1/bookings", "shop/2/book/1", parcel("12345"))
	comesTo(t, client, simtest.Into[carrier.Booking](t, later).ID, carrier.Delivered)
	if now := booking(t, client, id); now.Status != carrier.Cancelled {
		t.Errorf("the cancelled parcel is %+v", now)
	}
	hook.takes(t, 2)
	for _, move := range []string{"pick-up", "deliver"} {
		if answer := client.Post(t, "/v1/bookings/"+id+"/"+move, "", nil); answer.Status != http.StatusConflict ||
			answer.Code() != "cancelled" {
			t.Errorf("%s: %+v", move, answer)
		}
	}
}

func TestACancellationTooLate(t *testing.T) {
	t.Parallel()
	client, _ := start(t, carrier.Config{PickUpAfter: longAfter, DeliverAfter: longAfter})
	id := book(t, client, "12345").ID
	client.Post(t, "/v1/bookings/"+id+"/pick-up", "", nil)
	first := client.Post(t, "/v1/bookings/"+id+"/cancel", "cancel/1", nil)
	refusal := simtest.Into[carrier.Refusal](t, first)
	if first.Status != http.StatusConflict || refusal.Code != "already_picked_up" || refusal.Booking == nil ||
		refusal.Booking.ID != id || refusal.Booking.Status != carrier.PickedUp || refusal.Booking.PickedUpAt == nil {
		t.Errorf("%+v", first)
	}
	client.Post(t, "/v1/bookings/"+id+"/deliver", "", nil)
	if again := client.Post(t, "/v1/bookings/"+id+"/cancel", "cancel/1", nil); again != first {
		t.Errorf("the repeat has %+v, the first %+v", again, first)
	}
	other := simtest.Into[carrier.Refusal](t, client.Post(t, "/v1/bookings/"+id+"/cancel", "cancel/2", nil))
	if other.Code != "already_picked_up" || other.Booking.Status != carrier.Delivered {
		t.Errorf("another key has %+v", other)
	}
}

func TestUnansweredIsDoneOnceAndAnsweredLater(t *testing.T) {
	t.Parallel()
	client, _ := start(t, carrier.Config{PickUpAfter: longAfter})
	body := parcel(carrier.PostalCodeUnanswered)
	client.PostUnanswered(t, "/v1/bookings", "shop/1/book/1", body)
	page := simtest.Into[carrier.BookingPage](t, client.Get(t, "/v1/bookings?reference=shop/1"))
	if len(page.Bookings) != 1 {
		t.Fatalf("the books have %+v", page)
	}
	id := page.Bookings[0].ID
	if again := book(t, client, carrier.PostalCodeUnanswered); again.ID != id {
		t.Errorf("the repeat booked %s, the first %s", again.ID, id)
	}
	client.PostUnanswered(t, "/v1/bookings/"+id+"/cancel", "shop/1/cancel/1", nil)
	if now := booking(t, client, id); now.Status != carrier.Cancelled {
		t.Errorf("the parcel is %+v", now)
	}
	if answer := client.Post(t, "/v1/bookings/"+id+"/cancel", "shop/1/cancel/1", nil); answer.Status != http.StatusOK {
		t.Errorf("the repeat has %+v", answer)
	}
}

func TestFailsOnceDoesNothingFirst(t *testing.T) {
	t.Parallel()
	client, _ := start(t, carrier.Config{PickUpAfter: longAfter})
	body := parcel(carrier.PostalCodeFailsOnce)
	if answer := client.Post(t, "/v1/bookings", "shop/1/book/1", body); answer.Status != http.StatusInternalServerError ||
		answer.Code() != "failed_once" {
		t.Fatalf("%+v", answer)
	}
	if page := simtest.Into[carrier.BookingPage](t, client.Get(t, "/v1/bookings")); len(page.Bookings) != 0 {
		t.Errorf("the books have %+v", page)
	}
	id := book(t, client, carrier.PostalCodeFailsOnce).ID
	if again := book(t, client, carrier.PostalCodeFailsOnce); again.ID != id {
		t.Errorf("a repeat booked %s, the first %s", again.ID, id)
	}
	for _, want := range []int{500, 200, 200} {
		if answer := client.Post(t, "/v1/bookings/"+id+"/cancel", "cancel/1", nil); answer.Status != want {
			t.Errorf("cancel: %+v, want %d", answer, want)
		}
	}
}

func TestASilentParcelMovesUntold(t *testing.T) {
	t.Parallel()
	hook := newHook(t)
	client, _ := start(t, hook.config())
	comesTo(t, client, book(t, client, carrier.PostalCodeSilent).ID, carrier.Delivered)
	told := parcel("12345")
	told.Reference = "shop/2"
	client.Post(t, "/v1/bookings", "shop/2/book/1", told)
	for _, webhook := range hook.takes(t, 2) {
		if webhook.Data.Reference != "shop/2" {
			t.Errorf("told of %+v", webhook)
		}
	}
}

func TestAManualParcelWaitsToBeTold(t *testing.T) {
	t.Parallel()
	hook := newHook(t)
	client, _ := start(t, hook.config())
	id := book(t, client, carrier.PostalCodeManual).ID
	other := client.Post(t, "/v1/bookings", "shop/2/book/1", parcel("12345"))
	comesTo(t, client, simtest.Into[carrier.Booking](t, other).ID, carrier.Delivered)
	if now := booking(t, client, id); now.Status != carrier.Booked {
		t.Fatalf("untold, the parcel is %+v", now)
	}
	if answer := client.Post(t, "/v1/bookings/"+id+"/deliver", "", nil); answer.Status != http.StatusConflict ||
		answer.Code() != "not_picked_up" {
		t.Errorf("deliver first: %+v", answer)
	}
	for _, move := range []struct {
		to   string
		want carrier.Status
	}{{"pick-up", carrier.PickedUp}, {"pick-up", carrier.PickedUp}, {"deliver", carrier.Delivered}, {"deliver", carrier.Delivered}, {"pick-up", carrier.Delivered}} {
		if answer := client.Post(t, "/v1/bookings/"+id+"/"+move.to, "", nil); answer.Status != http.StatusNoContent {
			t.Errorf("%s: %+v", move.to, answer)
		}
		if now := booking(t, client, id); now.Status != move.want {
			t.Errorf("after %s the parcel is %+v", move.to, now)
		}
	}
	hook.takes(t, 4)
}

func TestAnyParcelMayBePickedUpByHandAndGoesOnByItself(t *testing.T) {
	t.Parallel()
	client, _ := start(t, carrier.Config{PickUpAfter: longAfter})
	id := book(t, client, "12345").ID
	client.Post(t, "/v1/bookings/"+id+"/pick-up", "", nil)
	comesTo(t, client, id, carrier.Delivered)
}

func TestAPickUpByHandDoesNotHastenTheDelivery(t *testing.T) {
	t.Parallel()
	client, _ := start(t, carrier.Config{PickUpAfter: 50 * time.Millisecond, DeliverAfter: longAfter})
	id := book(t, client, "12345").ID
	client.Post(t, "/v1/bookings/"+id+"/pick-up", "", nil)
	later := client.Post(t, "/v1/bookings", "shop/2/book/1", parcel("12345"))
	comesTo(t, client, simtest.Into[carrier.Booking](t, later).ID, carrier.PickedUp)
	if now := booking(t, client, id); now.Status != carrier.PickedUp {
		t.Errorf("the parcel is %+v", now)
	}
}

func TestAKeptParcelIsNotCancelledUntilAllowed(t *testing.T) {
	t.Parallel()
	client, _ := start(t, carrier.Config{PickUpAfter: longAfter})
	id := book(t, client, carrier.PostalCodeKept).ID
	cancel := func(key string) simtest.Answer { return client.Post(t, "/v1/bookings/"+id+"/cancel", key, nil) }
	for _, key := range []string{"1", "1", "2"} {
		answer := cancel(key)
		refusal := simtest.Into[carrier.Refusal](t, answer)
		if answer.Status != http.StatusConflict || refusal.Code != "cancellation_refused" ||
			refusal.Booking.Status != carrier.Booked {
			t.Fatalf("%+v", answer)
		}
	}
	if answer := client.Post(t, "/v1/bookings/"+id+"/allow", "", nil); answer.Status != http.StatusNoContent {
		t.Fatalf("allow: %+v", answer)
	}
	if answer := cancel("3"); answer.Status != http.StatusOK {
		t.Errorf("a new key has %+v", answer)
	}
	if answer := cancel("1"); answer.Code() != "cancellation_refused" {
		t.Errorf("the refused key has %+v", answer)
	}
}

func TestOneKeyAtTheSameTimeIsOneBooking(t *testing.T) {
	t.Parallel()
	client, _ := start(t, carrier.Config{Data: t.TempDir()})
	answers := make([]simtest.Answer, 40)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = client.Post(t, "/v1/bookings", "shop/1/book/1", parcel("12345")) })
	}
	all.Wait()
	for _, answer := range answers {
		if answer != answers[0] || answer.Status != http.StatusCreated {
			t.Fatalf("two answers: %+v and %+v", answers[0], answer)
		}
	}
	if page := simtest.Into[carrier.BookingPage](t, client.Get(t, "/v1/bookings")); len(page.Bookings) != 1 {
		t.Errorf("the books have %+v", page)
	}
}

func TestAKeyIsForOneRequest(t *testing.T) {
	t.Parallel()
	client, _ := start(t, carrier.Config{PickUpAfter: longAfter})
	id := book(t, client, "12345").ID
	client.Post(t, "/v1/bookings/"+id+"/cancel", "cancel/1", nil)
	other := parcel("12345")
	other.Lines[0].Quantity++
	moved := parcel("54321")
	for name, request := range map[string]struct {
		path, key string
		body      any
	}{
		"quantity":  {"/v1/bookings", "shop/1/book/1", other},
		"address":   {"/v1/bookings", "shop/1/book/1", moved},
		"operation": {"/v1/bookings", "cancel/1", parcel("12345")},
		"cancel":    {"/v1/bookings/" + id + "/cancel", "shop/1/book/1", nil},
		"booking":   {"/v1/bookings/bkg_other/cancel", "cancel/1", nil},
	} {
		if answer := client.Post(t, request.path, request.key, request.body); answer.Status != http.StatusConflict ||
			answer.Code() != "key_reused" {
			t.Errorf("another %s under the same key: %+v", name, answer)
		}
	}
}

func TestWebhooksAreRepeatedUnderOneID(t *testing.T) {
	t.Parallel()
	hook := newHook(t)
	hook.answer = func(try int) int {
		return []int{500, 401, 302, 503, 200}[min(try, 5)-1]
	}
	client, _ := start(t, hook.config())
	book(t, client, "12345")
	taken := hook.takes(t, 2)
	tries, _ := hook.see()
	if len(tries) != 6 {
		t.Errorf("%d tries for 2 webhooks and 4 failures", len(tries))
	}
	for _, id := range tries {
		if _, known := taken[id]; !known {
			t.Errorf("a try under an id of its own: %s", id)
		}
	}
}

func TestOneUnlovedWebhookHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	hook := newHook(t)
	client, _ := start(t, hook.config())
	var unloved string
	hook.mu.Lock()
	hook.answer = func(try int) int {
		if unloved == "" {
			unloved = hook.tries[0]
		}
		if hook.tries[try-1] == unloved {
			return http.StatusBadRequest
		}
		return http.StatusOK
	}
	hook.mu.Unlock()
	for _, order := range []string{"1", "2", "3", "4"} {
		client.Post(t, "/v1/bookings", "shop/"+order+"/book/1", parcel("12345"))
	}
	hook.takes(t, 7)
}

func TestALongOutageIsAskedAboutSeldom(t *testing.T) {
	t.Parallel()
	hook := newHook(t)
	away := true
	hook.answer = func(int) int {
		if away {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}
	client, _ := start(t, hook.config())
	for range 50 {
		client.Post(t, "/v1/bookings", rand.Text(), parcel("12345"))
	}
	simtest.Eventually(t, "the outage is noticed many times", func() bool {
		tries, _ := hook.see()
		return len(tries) > 20
	})
	hook.mu.Lock()
	away = false
	during := len(hook.tries)
	hook.mu.Unlock()
	hook.takes(t, 100)
	tries, _ := hook.see()
	if len(tries) > during+100 {
		t.Errorf("%d tries for 100 webhooks after the outage", len(tries)-during)
	}
}

func TestEverythingSurvivesARestart(t *testing.T) {
	t.Parallel()
	hook := newHook(t)
	hook.answer = func(int) int { return http.StatusInternalServerError }
	config := hook.config()
	config.Data = t.TempDir()
	config.PickUpAfter, config.DeliverAfter = longAfter, longAfter
	client, stop := start(t, config)

	underWay := book(t, client, "12345")
	client.Post(t, "/v1/bookings/"+underWay.ID+"/pick-up", "", nil)
	simtest.Eventually(t, "a webhook was tried", func() bool { tries, _ := hook.see(); return len(tries) > 0 })
	cancelled := simtest.Into[carrier.Booking](t, client.Post(t, "/v1/bookings", "shop/2/book/1", parcel("12345")))
	client.Post(t, "/v1/bookings/"+cancelled.ID+"/cancel", "shop/2/cancel/1", nil)
	waiting := simtest.Into[carrier.Booking](t, client.Post(t, "/v1/bookings", "shop/3/book/1", parcel("12345")))
	client.Post(t, "/v1/bookings", "shop/4/book/1", parcel(carrier.PostalCodeFailsOnce))
	client.Post(t, "/v1/bookings", "shop/5/book/1", parcel(carrier.PostalCodeRefused))
	kept := simtest.Into[carrier.Booking](t, client.Post(t, "/v1/bookings", "shop/6/book/1", parcel(carrier.PostalCodeKept)))
	client.Post(t, "/v1/bookings/"+kept.ID+"/allow", "", nil)
	before := client.Get(t, "/v1/bookings")
	stop()

	raw, err := os.ReadFile(filepath.Join(config.Data, "carrier.jsonl"))
	if err != nil || bytes.Contains(raw, []byte("Main Street")) || bytes.Contains(raw, []byte("12345")) {
		t.Errorf("the books hold an address (%v)", err)
	}

	client, stop = start(t, config)
	if after := client.Get(t, "/v1/bookings"); after != before {
		t.Errorf("the books were\n%s\nand are\n%s", before.Body, after.Body)
	}
	if again := book(t, client, "12345"); !cmp.Equal(again, underWay) {
		t.Errorf("the repeat has %+v, the first %+v", again, underWay)
	}
	for key, want := range map[string]int{"shop/4/book/1": 201, "shop/5/book/1": 422, "shop/2/book/1": 201} {
		body := parcel(map[string]string{
			"shop/4/book/1": carrier.PostalCodeFailsOnce, "shop/5/book/1": carrier.PostalCodeRefused, "shop/2/book/1": "12345",
		}[key])
		if answer := client.Post(t, "/v1/bookings", key, body); answer.Status != want {
			t.Errorf("%s: %+v, want %d", key, answer, want)
		}
	}
	if answer := client.Post(t, "/v1/bookings/"+kept.ID+"/cancel", "shop/6/cancel/1", nil); answer.Status != http.StatusOK {
		t.Errorf("what was allowed is refused: %+v", answer)
	}
	stop()

	// Now time goes fast, and the webhooks are taken.
	hook.mu.Lock()
	first := hook.tries[0]
	hook.answer = func(int) int { return http.StatusOK }
	hook.mu.Unlock()
	config.PickUpAfter, config.DeliverAfter = 0, 0
	client, stop = start(t, config)
	comesTo(t, client, underWay.ID, carrier.Delivered)
	comesTo(t, client, waiting.ID, carrier.Delivered)
	taken := hook.takes(t, 6) // of shop/1, shop/3 and shop/4
	if taken[first].Data.BookingID != underWay.ID {
		t.Errorf("the webhook of before the restart was not repeated under its id %s", first)
	}
	// One that is answered when the server stops is told again. What is noted is written before the next answer.
	simtest.Eventually(t, "it is written down that they were taken", func() bool {
		client.Get(t, "/v1/bookings")
		raw, err := os.ReadFile(filepath.Join(config.Data, "carrier.jsonl"))
		return err == nil && bytes.Count(raw, []byte(`{"kind":"told"`)) == 6
	})
	stop()

	tries, _ := hook.see()
	client, _ = start(t, config)
	client.Post(t, "/v1/bookings", "shop/7/book/1", parcel("12345"))
	hook.takes(t, 8)
	if now, _ := hook.see(); len(now) != len(tries)+2 {
		t.Errorf("what was taken is told again: %d tries more", len(now)-len(tries))
	}
}

func TestTheBooksAreReadInPages(t *testing.T) {
	t.Parallel()
	client, _ := start(t, carrier.Config{PickUpAfter: longAfter})
	for _, reference := range []string{"a/1", "b/1", "a/2"} {
		body := parcel("12345")
		body.Reference = reference
		client.Post(t, "/v1/bookings", reference, body)
	}
	references := func(query string) (got []string) {
		for cursor := ""; ; {
			page := simtest.Into[carrier.BookingPage](t, client.Get(t, "/v1/bookings?limit=1&"+query+"&cursor="+cursor))
			for _, each := range page.Bookings {
				got = append(got, each.Reference)
			}
			if cursor = page.Next; cursor == "" {
				return got
			}
		}
	}
	for query, want := range map[string][]string{
		"": {"a/1", "b/1", "a/2"}, "tenant=a": {"a/1", "a/2"}, "reference=a/2": {"a/2"}, "tenant=c": nil,
	} {
		if diff := cmp.Diff(want, references(query)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
}

func TestWrongRequestsAreProblems(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	client, stop := start(t, carrier.Config{
		Logger: slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	without := func(change func(*carrier.BookRequest)) carrier.BookRequest {
		body := parcel("12345")
		change(&body)
		return body
	}
	for name, test := range map[string]struct {
		path, key string
		body      any
		status    int
		code      string
	}{
		"no key":          {"/v1/bookings", "", parcel("1"), 400, "key_missing"},
		"no body":         {"/v1/bookings", "k", nil, 400, "invalid_request"},
		"no JSON":         {"/v1/bookings", "k", "Main Street", 400, "invalid_request"},
		"no reference":    {"/v1/bookings", "k", without(func(b *carrier.BookRequest) { b.Reference = "shop" }), 400, "invalid_request"},
		"no name":         {"/v1/bookings", "k", without(func(b *carrier.BookRequest) { b.Address.Name = " " }), 400, "invalid_request"},
		"no street":       {"/v1/bookings", "k", without(func(b *carrier.BookRequest) { b.Address.Line1 = "" }), 400, "invalid_request"},
		"no city":         {"/v1/bookings", "k", without(func(b *carrier.BookRequest) { b.Address.City = "" }), 400, "invalid_request"},
		"no postal code":  {"/v1/bookings", "k", without(func(b *carrier.BookRequest) { b.Address.PostalCode = "" }), 400, "invalid_request"},
		"no country":      {"/v1/bookings", "k", without(func(b *carrier.BookRequest) { b.Address.Country = "" }), 400, "invalid_request"},
		"no lines":        {"/v1/bookings", "k", without(func(b *carrier.BookRequest) { b.Lines = nil }), 400, "invalid_request"},
		"no SKU":          {"/v1/bookings", "k", without(func(b *carrier.BookRequest) { b.Lines[0].SKU = "" }), 400, "invalid_request"},
		"nothing of it":   {"/v1/bookings", "k", without(func(b *carrier.BookRequest) { b.Lines[0].Quantity = 0 }), 400, "invalid_request"},
		"much":            {"/v1/bookings", "k", strings.Repeat(" ", 1<<20) + "{}", 413, "body_too_large"},
		"cancel nothing":  {"/v1/bookings/bkg_none/cancel", "k", nil, 404, "unknown_booking"},
		"cancel, no key":  {"/v1/bookings/bkg_none/cancel", "", nil, 400, "key_missing"},
		"cancel, body":    {"/v1/bookings/bkg_none/cancel", "k", `{"a":1}`, 400, "invalid_request"},
		"allow nothing":   {"/v1/bookings/bkg_none/allow", "", nil, 404, "unknown_booking"},
		"pick up nothing": {"/v1/bookings/bkg_none/pick-up", "", nil, 404, "unknown_booking"},
		"no route":        {"/v1/bookings/bkg_none/lose", "k", nil, 404, "unknown_route"},
	} {
		answer := client.Post(t, test.path, test.key, test.body)
		if answer.Status != test.status || answer.Code() != test.code || answer.Type != "application/problem+json" {
			t.Errorf("%s: %+v", name, answer)
		}
		if strings.Contains(answer.Body, "Main Street") {
			t.Errorf("%s: the answer has the address: %s", name, answer.Body)
		}
	}
	for path, status := range map[string]int{
		"/v1/bookings?limit=0": 400, "/v1/bookings/bkg_none": 404, "/healthz": 200,
	} {
		if answer := client.Get(t, path); answer.Status != status {
			t.Errorf("GET %s: %+v", path, answer)
		}
	}
	book(t, client, "12345")
	stop()
	for _, secret := range []string{"A. Customer", "Main Street", "Town", "12345"} {
		if strings.Contains(logged.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, logged.String())
		}
	}
	if !strings.Contains(logged.String(), "/v1/bookings") {
		t.Errorf("the log has nothing of the booking:\n%s", logged.String())
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	inUse := t.TempDir()
	start(t, carrier.Config{Data: inUse})
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "carrier.jsonl"),
		[]byte(`{"kind":"delivered","booking":"bkg_none"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const free, hookURL = "127.0.0.1:0", "http://127.0.0.1:1/"
	for _, test := range []struct {
		want   string
		config carrier.Config
	}{
		{"address already in use", carrier.Config{Listen: taken.Addr().String()}},
		{"in use by another", carrier.Config{Listen: free, Data: inUse}},
		{"damaged", carrier.Config{Listen: free, Data: damaged}},
		{"PickUpAfter", carrier.Config{PickUpAfter: -1}},
		{"DeliverAfter", carrier.Config{DeliverAfter: -1}},
		{"RetryUpTo", carrier.Config{RetryFrom: 2, RetryUpTo: 1}},
		{"WebhookURL", carrier.Config{WebhookURL: "127.0.0.1:1"}},
		{"WebhookSecret", carrier.Config{WebhookURL: hookURL}},
		{"WebhookSecret", carrier.Config{WebhookURL: hookURL, WebhookSecret: "whsec_c2hvcnQ="}},
		{"WebhookSecret", carrier.Config{WebhookURL: hookURL, WebhookSecret: "whsec_" + strings.Repeat("?", 40)}},
	} {
		if _, err := carrier.New(test.config); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("New = %v, want %q", err, test.want)
		}
	}
}

func BenchmarkBook(b *testing.B) {
	client, _ := start(b, carrier.Config{Data: b.TempDir()})
	defer simtest.ReportCPU(b)()
	b.SetParallelism(16)
	b.RunParallel(func(loop *testing.PB) {
		for loop.Next() {
			body := parcel("12345")
			body.Reference = "shop/" + rand.Text()
			if answer := client.Post(b, "/v1/bookings", body.Reference+"/book/1", body); answer.Status != http.StatusCreated {
				b.Errorf("book: %+v", answer)
			}
		}
	})
}

func TestASlowBookingIsAnsweredLate(t *testing.T) {
	t.Parallel()
	client, _ := start(t, carrier.Config{})
	began := time.Now()
	booked := book(t, client, carrier.PostalCodeSlow)
	if took := time.Since(began); took < carrier.SlowAnswer {
		t.Errorf("answered after %s", took)
	}
	if booked.Status != carrier.Booked {
		t.Errorf("status %s: it waits to be told", booked.Status)
	}
}
