package orders_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/server"
	"waybill.dev/services/orders"
	"waybill.dev/services/orders/order"
)

// synced is a writer that many may write to.
func synced(w io.Writer) io.Writer { return &lockedWriter{w: w} }

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func TestPlaceAndShow(t *testing.T) {
	t.Parallel()
	r := serve(t, func(*orders.Config) {})
	before := time.Now()
	posted := r.post("/v1/orders", "acme", good, "X-Correlation-ID", "corr-1")
	placed := read[orders.Order](t, posted, http.StatusCreated)
	if id, err := uuid.Parse(placed.ID); err != nil || id.Version() != 7 {
		t.Errorf("id %q is no UUIDv7: %v", placed.ID, err)
	}
	if want := "/v1/orders/" + placed.ID; posted.Header.Get("Location") != want {
		t.Errorf("Location %q, want %q", posted.Header.Get("Location"), want)
	}
	if got := posted.Header.Get("X-Correlation-ID"); got != "corr-1" {
		t.Errorf("X-Correlation-ID %q", got)
	}
	if placed.PlacedAt.Before(before.Add(-time.Millisecond)) || placed.PlacedAt.After(time.Now()) || placed.PlacedAt.Location() != time.UTC {
		t.Errorf("placedAt %v", placed.PlacedAt)
	}
	want := orders.Order{
		ID: placed.ID, Status: "placed", Total: orders.Money{Amount: 4498, Currency: "EUR"},
		Customer: orders.Customer{ID: "c-1", Name: "Ada Lovelace", Email: "ada@example.com"},
		Lines: []orders.Line{
			{SKU: "MUG-1", Name: "Mug", Quantity: 2, UnitPrice: orders.Money{Amount: 1999, Currency: "EUR"}},
			{SKU: "TEA.2", Name: "Tea", Quantity: 1, UnitPrice: orders.Money{Amount: 500, Currency: "EUR"}},
		},
		ShippingAddress: orders.Address{Name: "Ada Lovelace", Line1: "1 High Street", City: "Berlin", PostalCode: "10115", Country: "DE"},
		NextStep:        "authorization", DueAt: placed.PlacedAt.Add(15 * time.Minute), PlacedAt: placed.PlacedAt,
	}
	if diff := cmp.Diff(want, placed); diff != "" {
		t.Errorf("placed (-want +got):\n%s", diff)
	}

	got := r.get("/v1/orders/"+placed.ID, "acme")
	shown := read[orders.Order](t, got, http.StatusOK)
	want.UpdatedAt = shown.UpdatedAt
	if diff := cmp.Diff(want, shown); diff != "" || shown.UpdatedAt.Before(placed.PlacedAt) {
		t.Errorf("shown at %v (-want +got):\n%s", shown.UpdatedAt, diff)
	}

	history := r.get("/v1/orders/"+placed.ID+"/history", "acme")
	facts := read[orders.History](t, history, http.StatusOK).Facts
	if len(facts) != 1 || facts[0].Kind != "order.placed" || facts[0].Version != 1 || facts[0].CorrelationID != "corr-1" ||
		facts[0].CausationID == "" || uuid.Validate(facts[0].ID) != nil {
		t.Errorf("history: %s", history.Body)
	}
	for _, answer := range []reply{posted, got, history, r.get("/v1/orders", "acme"), r.get("/metrics", "")} {
		if strings.Contains(answer.Body, "tok_very_secret") {
			t.Errorf("the payment token is shown: %s", answer.Body)
		}
	}
	r.stop()
	for _, secret := range []string{"tok_very_secret", "ada@example.com", "High Street"} {
		if strings.Contains(r.logs.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// What the whole way of an order shows, from the facts that are heard.
func TestShowWhatWasHeard(t *testing.T) {
	t.Parallel()
	r := serve(t, func(*orders.Config) {})
	total := contracts.Money{Amount: 4498, Currency: "EUR"}
	at := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	show := func(t *testing.T, id string) orders.Order {
		t.Helper()
		return read[orders.Order](t, r.in(t).get("/v1/orders/"+id, ""), http.StatusOK)
	}

	t.Run("completed and delivered", func(t *testing.T) {
		t.Parallel()
		r := r.in(t)
		id := r.place("").ID
		for _, step := range []struct {
			event  contracts.Event
			status string
		}{
			{contracts.PaymentAuthorized{Amount: total}, "authorized"},
			{contracts.StockReserved{}, "reserved"},
			{contracts.OrderShipped{Carrier: "post", TrackingNumber: "T1", PickedUpAt: at}, "shipped"},
			{contracts.PaymentCaptured{Amount: total}, "completed"},
			{contracts.ShipmentDelivered{DeliveredAt: at.Add(time.Hour)}, "completed"},
		} {
			r.hear("default", id, step.event, step.event)
			if got := show(t, id).Status; got != step.status {
				t.Errorf("after %s: %s, want %s", step.event.Type(), got, step.status)
			}
		}
		want := &orders.Shipment{Carrier: "post", TrackingNumber: "T1", ShippedAt: at, DeliveredAt: at.Add(time.Hour)}
		if diff := cmp.Diff(want, show(t, id).Shipment); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("out of stock", func(t *testing.T) {
		t.Parallel()
		r := r.in(t)
		id := r.place("").ID
		r.hear("default", id, contracts.StockReservationFailed{Shortages: []contracts.Shortage{{SKU: "MUG-1", Wanted: 2, Available: 1}}}, contracts.PaymentVoided{})
		got := show(t, id)
		if diff := cmp.Diff([]orders.Shortage{{SKU: "MUG-1", Wanted: 2, Available: 1}}, got.Shortages); diff != "" || got.Status != "cancelled" || got.Reason != "out_of_stock" {
			t.Errorf("%s, %q: %s", got.Status, got.Reason, diff)
		}
	})
	t.Run("attention, and its answer", func(t *testing.T) {
		t.Parallel()
		r := r.in(t)
		id := r.place("").ID
		r.hear("default", id, contracts.OrderShipped{}, contracts.PaymentAttentionRequired{Operation: "capture", Code: "card_expired"})
		if got := show(t, id); got.Attention != "capture refused: card_expired" || got.Status != "shipped" {
			t.Errorf("%s, %q", got.Status, got.Attention)
		}
		r.hear("default", id, contracts.PaymentCaptured{})
		if got := show(t, id); got.Attention != "" || got.Status != "completed" {
			t.Errorf("%s, %q", got.Status, got.Attention)
		}
	})
	t.Run("a cancellation that is refused", func(t *testing.T) {
		t.Parallel()
		r := r.in(t)
		id := r.place("").ID
		read[orders.Order](t, r.post("/v1/orders/"+id+"/cancellation", "", `{"reason":"twice"}`), http.StatusAccepted)
		r.hear("default", id, contracts.CancellationRefused{}, contracts.OrderShipped{})
		got := show(t, id)
		if got.Cancellation == nil || !got.Cancellation.Refused || got.Status != "shipped" {
			t.Errorf("%s, %+v", got.Status, got.Cancellation)
		}
	})
	t.Run("who asked for its cancellation", func(t *testing.T) {
		t.Parallel()
		r := r.in(t)
		for body, want := range map[string]string{
			`{"reason":"twice"}`:                          "customer",
			`{"reason":"twice","requestedBy":null}`:       "customer",
			`{"reason":"twice","requestedBy":"customer"}`: "customer",
			`{"reason":"fraud","requestedBy":"operator"}`: "operator",
		} {
			id := r.place("").ID
			asked := read[orders.Order](t, r.post("/v1/orders/"+id+"/cancellation", "", body), http.StatusAccepted)
			if got := show(t, id).Cancellation; got == nil || got.RequestedBy != want || asked.Cancellation.RequestedBy != want {
				t.Errorf("%s: asked by %+v", body, got)
			}
		}
	})
	t.Run("heard of, and never placed", func(t *testing.T) {
		t.Parallel()
		r := r.in(t)
		id := uuid.NewString()
		r.hear("default", id, contracts.PaymentVoided{})
		for _, path := range []string{"/v1/orders/" + id, "/v1/orders/" + id + "/history"} {
			if got := r.get(path, ""); got.Status != http.StatusNotFound {
				t.Errorf("%s: %d", path, got.Status)
			}
		}
		if n := r.count("SELECT count(*) FROM orders WHERE id = $1", id); n != 0 {
			t.Error("it is in the list")
		}
	})
}

// problem is an error as it is told.
type problem struct {
	Status int `json:"status"`
	Title  string
	Detail string
	Errors []struct{ Location, Message string } `json:"errors"`
}

func locations(t *testing.T, r reply) (l []string) {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(r.Body), &p); err != nil {
		t.Fatalf("%v: %s", err, r.Body)
	}
	if p.Status != r.Status {
		t.Errorf("status %d says %d", r.Status, p.Status)
	}
	for _, e := range p.Errors {
		if e.Message == "" {
			t.Errorf("%s is wrong without a reason", e.Location)
		}
		l = append(l, e.Location)
	}
	slices.Sort(l)
	return l
}

// A struct's tag holds no constant.
func TestTheSchemaOfASKUIsThatOfTheContracts(t *testing.T) {
	t.Parallel()
	field, _ := reflect.TypeFor[orders.NewLine]().FieldByName("SKU")
	if got := field.Tag.Get("pattern"); got != contracts.SKUPattern {
		t.Errorf("a line's SKU is %s, and a SKU %s", got, contracts.SKUPattern)
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	r := serve(t, func(*orders.Config) {})
	with := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the good order has no %s", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	long := strings.Repeat("x", 201)
	lines := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"sku":"S-%d","name":"x","quantity":1,"unitPrice":{"amount":1,"currency":"EUR"}}`, i))
		}
		before, rest, _ := strings.Cut(good, `"lines":[`)
		_, after, _ := strings.Cut(rest, `}}],`)
		return before + `"lines":[` + strings.Join(all, ",") + `],` + after
	}
	for name, c := range map[string]struct {
		body  string
		wrong []string // what is told, each once; nil where only the status counts
	}{
		"no JSON":              {`{`, nil},
		"empty":                {``, nil},
		"null":                 {`null`, nil},
		"a list":               {`[]`, nil},
		"an unknown field":     {with(`"customer":`, `"colour":"red","customer":`), []string{"body.colour"}},
		"an unknown one below": {with(`"sku":"TEA.2"`, `"sku":"TEA.2","size":3`), []string{"body.lines[1].size"}},
		"another spelling":     {with(`"sku":"TEA.2"`, `"SKU":"TEA.2"`), []string{"body.lines[1]", "body.lines[1].SKU"}},
		"a second spelling":    {with(`"quantity":2`, `"quantity":2,"Quantity":-5`), []string{"body.lines[0].Quantity"}},
		"a field twice":        {with(`"quantity":2`, `"quantity":-5,"quantity":2`), nil},
		"a customer twice":     {with(`"customer":`, `"customer":{"id":"`+long+`"},"customer":`), nil},
		"nothing at all":       {`{}`, []string{"body", "body", "body", "body"}},
		"no lines":             {lines(0), []string{"body.lines"}},
		"lines are null":       {with(`"lines":[`, `"lines":null,"x":[`), []string{"body.lines", "body.x"}},
		"too many lines":       {lines(101), []string{"body.lines"}},
		"quantity 0":           {with(`"quantity":2`, `"quantity":0`), []string{"body.lines[0].quantity"}},
		"quantity negative":    {with(`"quantity":2`, `"quantity":-3`), []string{"body.lines[0].quantity"}},
		"quantity absurd":      {with(`"quantity":2`, `"quantity":1000001`), []string{"body.lines[0].quantity"}},
		"quantity a half":      {with(`"quantity":2`, `"quantity":0.5`), nil},
		"quantity in words":    {with(`"quantity":2`, `"quantity":"2"`), nil},
		"quantity past int64":  {with(`"quantity":2`, `"quantity":9223372036854775808`), nil},
		"price negative":       {with(`"amount":1999`, `"amount":-1`), []string{"body.lines[0].unitPrice.amount"}},
		"price past int64":     {with(`"amount":1999`, `"amount":9223372036854775808`), nil},
		"a line past int64":    {with(`"amount":1999`, `"amount":9223372036854775807`), []string{"body.lines"}},
		"mixed currencies":     {with(`"amount":500,"currency":"EUR"`, `"amount":500,"currency":"USD"`), []string{"body.lines[1].unitPrice.currency"}},
		"an unknown currency":  {strings.ReplaceAll(good, "EUR", "ZZZ"), []string{"body.lines[0].unitPrice.currency", "body.lines[1].unitPrice.currency"}},
		"a SKU twice":          {with(`TEA.2`, `MUG-1`), []string{"body.lines[1].sku"}},
		"a SKU with a space":   {with(`TEA.2`, `TEA 2`), []string{"body.lines[1].sku"}},
		"a SKU too long":       {with(`TEA.2`, long[:65]), []string{"body.lines[1].sku"}},
		"a name too long":      {with(`"name":"Tea"`, `"name":"`+long+`"`), []string{"body.lines[1].name"}},
		"an id too long":       {with(`c-1`, long), []string{"body.customer.id"}},
		"a blank name":         {with(`"name":"Tea"`, `"name":"  "`), []string{"body.lines[1].name"}},
		"a name of two lines":  {with(`"name":"Tea"`, `"name":"a\nb"`), []string{"body.lines[1].name"}},
		"no e-mail":            {with(`ada@example.com`, `ada`), []string{"body.customer.email"}},
		"an e-mail too long":   {with(`ada@`, long+long+`@`), []string{"body.customer.email"}},
		"an e-mail with name":  {with(`ada@example.com`, `Ada <ada@example.com>`), []string{"body.customer.email"}},
		"an unknown country":   {with(`"DE"`, `"QQ"`), []string{"body.shippingAddress.country"}},
		"a long e-mail":        {with(`ada@`, strings.Repeat("ä", 254)+`@`), []string{"body.customer.email"}},
		"254 characters":       {with(`ada@example.com`, strings.Repeat("ä", 242)+`@example.com`), []string{"body.customer.email"}},
		"a currency of one":    {strings.ReplaceAll(good, "EUR", "E"), []string{"body.lines[0].unitPrice.currency", "body.lines[1].unitPrice.currency"}},
		"a country of three":   {with(`"DE"`, `"DEU"`), []string{"body.shippingAddress.country"}},
		"a postal code":        {with(`10115`, long[:33]), []string{"body.shippingAddress.postalCode"}},
		"another method":       {with(`"card"`, `"cash"`), []string{"body.payment.method"}},
		"no token":             {with(`tok_very_secret`, ``), []string{"body.payment.token"}},
		"a token too long":     {with(`tok_very_secret`, long), []string{"body.payment.token"}},
		"U+0000":               {with(`Mug`, "M\\u0000g"), nil},
		"U+0000 as it is":      {with(`Mug`, "M\x00g"), nil},
		"invalid UTF-8":        {with(`Mug`, "M\xffg"), nil},
		"half a character":     {with(`Mug`, `M\ud800g`), nil},
		"all of it": {`{"customer":{"id":"","name":"","email":"no"},"lines":[{"sku":"","name":"","quantity":0,"unitPrice":{"amount":-1,"currency":"???"}}],
			"shippingAddress":{"name":"","line1":"","city":"","postalCode":"","country":"??"},"payment":{"method":"?","token":""}}`, []string{
			"body.customer.email", "body.customer.id", "body.customer.name", "body.lines[0].name", "body.lines[0].quantity",
			"body.lines[0].sku", "body.lines[0].unitPrice.amount", "body.lines[0].unitPrice.currency", "body.payment.method",
			"body.payment.token", "body.shippingAddress.city", "body.shippingAddress.country", "body.shippingAddress.line1",
			"body.shippingAddress.name", "body.shippingAddress.postalCode",
		}},
	} {
		got := r.post("/v1/orders", "", c.body)
		if got.Status < 400 || got.Status > 499 || got.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d, %s: %s", name, got.Status, got.Header.Get("Content-Type"), got.Body)
			continue
		}
		if strings.Contains(got.Body, "tok_very_secret") {
			t.Errorf("%s: the token is told: %s", name, got.Body)
		}
		if told := locations(t, got); c.wrong != nil && (got.Status != http.StatusUnprocessableEntity || !slices.Equal(told, c.wrong)) {
			t.Errorf("%s: %d, wrong is %v: %s", name, got.Status, told, got.Body)
		}
	}
	id := r.place("").ID
	for name, c := range map[string]struct {
		path, body string
		status     int
	}{
		"no reason":         {"/v1/orders/" + id + "/cancellation", `{}`, 422},
		"an empty reason":   {"/v1/orders/" + id + "/cancellation", `{"reason":""}`, 422},
		"a blank reason":    {"/v1/orders/" + id + "/cancellation", `{"reason":" "}`, 422},
		"a long reason":     {"/v1/orders/" + id + "/cancellation", `{"reason":"` + strings.Repeat("r", 501) + `"}`, 422},
		"another asker":     {"/v1/orders/" + id + "/cancellation", `{"reason":"r","requestedBy":"deadline"}`, 422},
		"no asker":          {"/v1/orders/" + id + "/cancellation", `{"reason":"r","requestedBy":""}`, 422},
		"another spelling":  {"/v1/orders/" + id + "/cancellation", `{"Reason":"r"}`, 422},
		"a second spelling": {"/v1/orders/" + id + "/cancellation", `{"reason":"r","Reason":""}`, 422},
		"a reason twice":    {"/v1/orders/" + id + "/cancellation", `{"reason":"r","reason":"r"}`, 400},
		"an unknown order":  {"/v1/orders/" + uuid.NewString() + "/cancellation", `{"reason":"r"}`, 404},
		"no id at all":      {"/v1/orders/x/cancellation", `{"reason":"r"}`, 404},
		"another outcome":   {"/v1/orders/" + id + "/resolution", `{"outcome":"lost","resolvedBy":"o","reason":"r"}`, 422},
		"no body at all":    {"/v1/orders/" + id + "/resolution", ``, 400},
		"no outcome":        {"/v1/orders/" + id + "/resolution", `{"resolvedBy":"o","reason":"r"}`, 422},
		"another's outcome": {"/v1/orders/" + id + "/resolution", `{"outcome":"Cancelled","resolvedBy":"o","reason":"r"}`, 422},
		"for no reason":     {"/v1/orders/" + id + "/resolution", `{"outcome":"completed","resolvedBy":"o","reason":" "}`, 422},
		"by a long name":    {"/v1/orders/" + id + "/resolution", `{"outcome":"completed","resolvedBy":"` + long + `","reason":"r"}`, 422},
		"an outcome twice":  {"/v1/orders/" + id + "/resolution", `{"outcome":"completed","outcome":"cancelled","resolvedBy":"o","reason":"r"}`, 400},
		"nobody's outcome":  {"/v1/orders/" + id + "/resolution", `{"outcome":"completed","resolvedBy":"","reason":"r"}`, 422},
		"nothing to settle": {"/v1/orders/" + id + "/resolution", `{"outcome":"completed","resolvedBy":"o","reason":"r"}`, 409},
		"settle an unknown": {"/v1/orders/" + uuid.NewString() + "/resolution", `{"outcome":"completed","resolvedBy":"o","reason":"r"}`, 404},
	} {
		if got := r.post(c.path, "", c.body); got.Status != c.status {
			t.Errorf("%s: %d: %s", name, got.Status, got.Body)
		}
	}
	for _, path := range []string{
		"/v1/orders?limit=0", "/v1/orders?limit=201", "/v1/orders?limit=x", "/v1/orders?status=lost", "/v1/orders?cursor=%25%25",
		"/v1/orders?cursor=bm9wZQ", "/v1/orders?cursor=" + strings.Repeat("a", 300), "/v1/orders?customer=" + long, "/v1/orders?customer=%00",
	} {
		if got := r.get(path, ""); got.Status != http.StatusUnprocessableEntity && got.Status != http.StatusBadRequest {
			t.Errorf("%s: %d: %s", path, got.Status, got.Body)
		}
	}
	ofAnotherList, err := server.EncodeCursor(struct {
		PlacedAt time.Time `json:"placedAt"`
		ID       string    `json:"id"`
	}{time.Now(), id})
	if err != nil {
		t.Fatal(err)
	}
	for query, location := range map[string]string{
		"attention=yes": "query.attention", "attention=TRUE": "query.attention", "attention=1": "query.attention",
		"overdue=no": "query.overdue", "overdue=true%20": "query.overdue",
		"overdue=true&cursor=" + ofAnotherList: "query.cursor",
	} {
		got := r.get("/v1/orders?"+query, "")
		if got.Status != http.StatusUnprocessableEntity || got.Header.Get("Content-Type") != "application/problem+json" || !slices.Equal(locations(t, got), []string{location}) {
			t.Errorf("%s: %d: %s", query, got.Status, got.Body)
		}
	}
	if got := r.get("/v1/orders/"+uuid.NewString(), ""); got.Status != http.StatusNotFound {
		t.Errorf("an unknown order: %d", got.Status)
	}
	if n := r.count("SELECT count(*) FROM events"); n != 1 {
		t.Errorf("%d facts are stored, of one good request", n)
	}
}

func TestLargestOrder(t *testing.T) {
	t.Parallel()
	r := serve(t, func(*orders.Config) {})
	lines := make([]map[string]any, order.MaxLines)
	for i := range lines {
		lines[i] = map[string]any{"sku": fmt.Sprintf("%064d", i), "name": strings.Repeat("€", 200), "quantity": order.MaxQuantity,
			"unitPrice": map[string]any{"amount": 92_000_000_000, "currency": "JPY"}}
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(good), &body); err != nil {
		t.Fatal(err)
	}
	body["lines"] = lines
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	got := read[orders.Order](t, r.post("/v1/orders", "", string(data)), http.StatusCreated)
	if want := (orders.Money{Amount: 9_200_000_000_000_000_000, Currency: "JPY"}); got.Total != want || len(got.Lines) != order.MaxLines {
		t.Errorf("total %v, %d lines", got.Total, len(got.Lines))
	}
}

func TestTheSameRequestOnce(t *testing.T) {
	t.Parallel()
	r := serve(t, func(*orders.Config) {})
	first := r.post("/v1/orders", "acme", good, "Idempotency-Key", "k-1")
	again := r.post("/v1/orders", "acme", good, "Idempotency-Key", "k-1")
	if first.Status != 201 || again.Status != 201 || first.Body != again.Body || first.Header.Get("Location") != again.Header.Get("Location") {
		t.Errorf("%d %s, then %d %s", first.Status, first.Body, again.Status, again.Body)
	}
	other := r.post("/v1/orders", "acme", strings.Replace(good, "Mug", "Cup", 1), "Idempotency-Key", "k-1")
	if other.Status != http.StatusUnprocessableEntity {
		t.Errorf("another body: %d", other.Status)
	}
	if elsewhere := r.post("/v1/orders", "other", good, "Idempotency-Key", "k-1"); elsewhere.Body == first.Body {
		t.Error("another tenant got the answer")
	}
	if n := r.count("SELECT count(*) FROM orders"); n != 2 {
		t.Errorf("%d orders", n)
	}
}

func TestCancelOverHTTP(t *testing.T) {
	t.Parallel()
	r := serve(t, func(*orders.Config) {})
	id := r.place("acme").ID
	said := func() int { return r.count("SELECT count(*) FROM watermill_outbox") }
	for range 2 {
		got := read[orders.Order](t, r.post("/v1/orders/"+id+"/cancellation", "acme", `{"reason":"ordered twice"}`), http.StatusAccepted)
		if got.Status != "cancelling" || got.Cancellation == nil || got.Cancellation.Reason != "ordered twice" || got.Cancellation.RequestedBy != "customer" {
			t.Errorf("%+v", got)
		}
		if n := said(); n != 2 {
			t.Errorf("%d events were said", n)
		}
	}
	r.hear("acme", id, contracts.PaymentVoided{})
	if got := r.post("/v1/orders/"+id+"/cancellation", "acme", `{"reason":"again"}`); got.Status != http.StatusConflict {
		t.Errorf("of an ended order: %d", got.Status)
	}
}

func TestResolveOverHTTP(t *testing.T) {
	t.Parallel()
	r := serve(t, func(*orders.Config) {})
	id := r.place("acme").ID
	r.hear("acme", id, contracts.OrderShipped{}, contracts.PaymentAttentionRequired{Operation: "capture", Code: "card_expired"})
	body := `{"outcome":"completed","resolvedBy":"night shift","reason":"paid in cash"}`
	got := read[orders.Order](t, r.post("/v1/orders/"+id+"/resolution", "acme", body), http.StatusOK)
	want := &orders.Resolution{Outcome: "completed", ResolvedBy: "night shift", Reason: "paid in cash"}
	if diff := cmp.Diff(want, got.Resolution); diff != "" || got.Status != "completed" || got.Attention != "" {
		t.Errorf("%s, %q: %s", got.Status, got.Attention, diff)
	}
	for _, second := range []string{body, strings.Replace(body, "completed", "cancelled", 1)} {
		again := r.post("/v1/orders/"+id+"/resolution", "acme", second)
		if again.Status != http.StatusConflict || again.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("again: %d %s", again.Status, again.Body)
		}
	}
}

func TestTenantsSeeNothingOfEachOther(t *testing.T) {
	t.Parallel()
	r := serve(t, func(*orders.Config) {})
	id := r.place("acme").ID
	r.hear("acme", id, contracts.PaymentAttentionRequired{Operation: "void", Code: "no"})
	for _, got := range []reply{
		r.get("/v1/orders/"+id, "other"), r.get("/v1/orders/"+id, ""), r.get("/v1/orders/"+id+"/history", "other"),
		r.post("/v1/orders/"+id+"/cancellation", "other", `{"reason":"r"}`),
		r.post("/v1/orders/"+id+"/resolution", "other", `{"outcome":"completed","resolvedBy":"o","reason":"r"}`),
	} {
		if got.Status != http.StatusNotFound || strings.Contains(got.Body, "Ada") {
			t.Errorf("%d: %s", got.Status, got.Body)
		}
	}
	for _, query := range []string{"", "?customer=c-1", "?status=placed"} {
		if page := read[orders.OrderPage](t, r.get("/v1/orders"+query, "other"), 200); len(page.Items) != 0 {
			t.Errorf("%q: %v", query, page.Items)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	r := serve(t, func(*orders.Config) {})
	var newestFirst, ofC2, authorized []string
	for i := range 7 {
		body := good
		if i%3 == 1 {
			body = strings.Replace(good, "c-1", "c 2&", 1)
		}
		id := read[orders.Order](t, r.post("/v1/orders", "acme", body), 201).ID
		newestFirst = append([]string{id}, newestFirst...)
		if i%3 == 1 {
			ofC2 = append([]string{id}, ofC2...)
		}
		if i%2 == 0 {
			r.hear("acme", id, contracts.PaymentAuthorized{})
			authorized = append([]string{id}, authorized...)
		}
	}
	for query, want := range map[string][]string{
		"": newestFirst, "customer=" + url.QueryEscape("c 2&"): ofC2, "status=authorized": authorized, "status=completed": nil,
		"status=authorized&customer=" + url.QueryEscape("c 2&"): slices.DeleteFunc(slices.Clone(ofC2), func(id string) bool { return !slices.Contains(authorized, id) }),
	} {
		for _, limit := range []int{1, 2, 3, 7, 50} {
			var got []string
			cursor := ""
			for pages := 0; ; pages++ {
				page := read[orders.OrderPage](t, r.get(fmt.Sprintf("/v1/orders?%s&limit=%d&cursor=%s", query, limit, cursor), "acme"), 200)
				if len(page.Items) > limit || pages > 7 {
					t.Fatalf("%q by %d: %d on page %d", query, limit, len(page.Items), pages)
				}
				for _, o := range page.Items {
					got = append(got, o.ID)
					if o.Total != (orders.Money{Amount: 4498, Currency: "EUR"}) || o.PlacedAt.Location() != time.UTC || o.UpdatedAt.Before(o.PlacedAt) {
						t.Errorf("%+v", o)
					}
				}
				if cursor = page.NextCursor; cursor == "" {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q by %d: %v, want %v", query, limit, got, want)
			}
		}
	}
}

// What is late is overdue until it is judged, and what a person must look at waits for no step. Kafka is away here, so
// that nothing is judged.
func TestListWhatNeedsSomebody(t *testing.T) {
	t.Parallel()
	tenants := filepath.Join(t.TempDir(), "tenants.yaml")
	if err := os.WriteFile(tenants, []byte("tenants:\n  acme:\n    deadlines: {authorization: 1us, reservation: 2us, capture: 1us}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := serve(t, func(c *orders.Config) { c.TenantsFile = tenants })
	late, later, waits, troubled := r.place("acme").ID, r.place("acme").ID, r.place("acme").ID, r.place("acme").ID
	r.hear("acme", later, contracts.PaymentAuthorized{})
	r.hear("acme", waits, contracts.PaymentAuthorized{}, contracts.StockReserved{})
	r.hear("acme", troubled, contracts.OrderShipped{}, contracts.PaymentAttentionRequired{Operation: "capture", Code: "card_expired"})
	for query, want := range map[string][]string{
		"":                             {troubled, waits, later, late},
		"overdue=true":                 {late, later}, // the longest overdue first
		"overdue=false":                {troubled, waits},
		"attention=true":               {troubled},
		"attention=false":              {waits, later, late},
		"attention=false&overdue=true": {late, later},
		"attention=true&overdue=true":  nil,
		"attention=true&status=placed": nil,
		"overdue=true&status=placed":   {late},
		"overdue=true&customer=c-1":    {late, later},
		"overdue=&attention=":          {troubled, waits, later, late},
	} {
		var got []string
		page := read[orders.OrderPage](t, r.get("/v1/orders?"+query, "acme"), http.StatusOK)
		for _, o := range page.Items {
			got = append(got, o.ID)
			shown := read[orders.Order](t, r.get("/v1/orders/"+o.ID, "acme"), http.StatusOK)
			if o.NextStep != shown.NextStep || o.DueAt.Sub(shown.DueAt).Abs() > time.Microsecond {
				t.Errorf("the list says %s until %v, the order %s until %v", o.NextStep, o.DueAt, shown.NextStep, shown.DueAt)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", query, got, want)
		}
	}
	for id, want := range map[string]string{late: "authorization", later: "reservation", waits: "shipment", troubled: ""} {
		if got := read[orders.Order](t, r.get("/v1/orders/"+id, "acme"), http.StatusOK); got.NextStep != want || got.DueAt.IsZero() != (want == "") {
			t.Errorf("waits for %q until %v, want %q", got.NextStep, got.DueAt, want)
		}
	}
	eventually(t, "the metrics tell of them", func() bool {
		metrics := r.get("/metrics", "").Body
		for _, line := range []string{
			`orders_attention{reason="capture_refused"} 1`, `orders_attention{reason="void_refused"} 0`,
			`orders_overdue{step="authorization"} 1`, `orders_overdue{step="reservation"} 1`, `orders_overdue{step="shipment"} 0`,
			`orders_overdue_oldest_age_seconds `,
		} {
			if !strings.Contains(metrics, line) {
				return false
			}
		}
		return true
	})
}

// Every row of the list is what the facts of its order fold to, whatever happened and however many commits it took.
func TestTheListIsWhatTheFactsFoldTo(t *testing.T) {
	t.Parallel()
	r := serve(t, func(*orders.Config) {})
	catalogue := order.Hears()
	var running sync.WaitGroup
	var ids []string
	for range 12 {
		ids = append(ids, r.place("acme").ID)
	}
	for i, id := range ids {
		running.Go(func() {
			for k := range 10 {
				r.hear("acme", id, catalogue[(i*7+k*(i+2))%len(catalogue)])
			}
		})
	}
	running.Wait()
	for _, id := range ids {
		stream := es.StreamID{Tenant: "acme", Category: "order", ID: id}
		facts, err := r.App().Log.History(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		var o order.Order
		for _, f := range facts {
			o = order.Evolve(o, f.Event.(order.Event))
		}
		var status, attention string
		var updated time.Time
		var step *string
		var due *time.Time
		if err := r.App().Pool.QueryRow(t.Context(), "SELECT status, attention, updated_at, next_step, due_at FROM orders WHERE tenant = 'acme' AND id = $1", id).
			Scan(&status, &attention, &updated, &step, &due); err != nil {
			t.Fatal(err)
		}
		e, waits := o.Expects()
		if status != string(o.Status()) || attention != o.Attention() || !updated.Equal(facts[len(facts)-1].At) || waits != (step != nil) {
			t.Errorf("row %s %q %v %v, order %s %q", status, attention, updated, step, o.Status(), o.Attention())
		}
		if waits && (*step != string(e.Step) || due.Sub(e.Due).Abs() > time.Microsecond) {
			t.Errorf("row waits for %s until %v, order for %v", *step, due, e)
		}
	}
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	r := serve(t, func(*orders.Config) {})
	var api struct {
		Paths map[string]map[string]struct {
			Summary   string
			Responses map[string]any
		}
	}
	if err := json.Unmarshal([]byte(r.get("/openapi.json", "").Body), &api); err != nil {
		t.Fatal(err)
	}
	for path, methods := range map[string][]string{
		"/v1/orders": {"get", "post"}, "/v1/orders/{id}": {"get"}, "/v1/orders/{id}/history": {"get"},
		"/v1/orders/{id}/cancellation": {"post"}, "/v1/orders/{id}/resolution": {"post"},
	} {
		for _, m := range methods {
			if o, ok := api.Paths[path][m]; !ok || o.Summary == "" || len(o.Responses) < 4 {
				t.Errorf("%s %s: %+v", m, path, o)
			}
		}
	}
}
