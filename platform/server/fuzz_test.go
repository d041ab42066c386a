package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/tracecontext"
)

type fuzzedKey struct {
	At time.Time `json:"at"`
	ID string    `json:"id"`
}

// Whatever is sent as a cursor: it is refused as the caller's fault, or it is the key of a row, whole.
func FuzzDecodeCursor(f *testing.F) {
	good, err := EncodeCursor(fuzzedKey{time.Date(2026, 5, 4, 10, 0, 0, 1, time.UTC), "ä/1"})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{good, "", good + "=", good[1:], "e30", "bnVsbA", "eyJhdCI6MSwiaWQiOiIifQ", "%00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		var key fuzzedKey
		if err := DecodeCursor(cursor, &key); err != nil {
			var problem huma.StatusError
			if !errors.As(err, &problem) || problem.GetStatus() != http.StatusUnprocessableEntity {
				t.Errorf("%q: %v", cursor, err)
			}
			return
		}
		if key.At.IsZero() || key.ID == "" || badText(key.ID) != "" {
			t.Errorf("%q is %+v", cursor, key)
		}
	})
}

// Whatever stands in the tenants file: it is one line that says what is wrong, or settings for everybody that make sense.
func FuzzParseTenants(f *testing.F) {
	for _, seed := range []string{
		"", "defaults:\n  captureAtOnce: true\n  deadlines: {shipment: 72h}\ntenants:\n  acme:\n    deadlines: {capture: 1h}\n", "tenants: []",
		"tenants:\n  ACME: {}\n", "defaults: {deadlines: {capture: -1h}}", "a: &a [*a, *a]", "tenants:\n  a: &x {captureAtOnce: yes}\n  b: *x\n",
		"defaults:\n  deadlines: {capture: 99999999999h}\n", "\xff", "? [", "tenants: {acme: {unknown: 1}}", "---\n---\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tenants, err := parseTenants(data)
		if err != nil {
			if err.Error() == "" || strings.Contains(err.Error(), "\n") {
				t.Errorf("told as %q", err)
			}
			return
		}
		for name := range tenants.named {
			if !contracts.IsTenant(name) {
				t.Errorf("a tenant is called %q", name)
			}
		}
		for _, name := range []string{"acme", "nobody"} {
			d := tenants.Settings(name).Deadlines
			if min(d.Authorization, d.Reservation, d.Shipment, d.Capture, d.Cancellation) <= 0 {
				t.Errorf("%s has %+v", name, d)
			}
		}
	})
}

// fuzzedBody is a body with all that our bodies have.
type fuzzedBody struct {
	Name   string `json:"name" minLength:"1" maxLength:"20"`
	Amount int64  `json:"amount" minimum:"0"`
	Lines  []struct {
		SKU   string `json:"sku" pattern:"^[A-Z]{1,9}$"`
		Price struct {
			Currency string `json:"currency" minLength:"3" maxLength:"3"`
		} `json:"price"`
	} `json:"lines,omitempty" maxItems:"9"`
	At    time.Time `json:"at,omitzero"`
	Email string    `json:"email,omitempty" format:"email"`
}

type fuzzedInput struct {
	Post
	ID   string `path:"id" maxLength:"64"`
	Page int    `query:"page" minimum:"0"`
	Body fuzzedBody
}

// fuzzedServer serves one operation, which answers with what it has understood. It needs nothing else to be there.
func fuzzedServer(tb testing.TB) http.Handler {
	tb.Helper()
	config := Defaults(0)
	config.Listen, config.DatabaseURL = "127.0.0.1:0", "postgres://nobody@127.0.0.1:1/nowhere"
	nothing := es.Category[int, es.Event]{Name: "thing", Evolve: func(n int, _ es.Event) int { return n }}
	s, err := New(context.Background(), Service{
		Name: "inventory", Doc: "Understands.", Categories: []es.Erased{nothing}, Publish: func(es.Recorded) []contracts.Event { return nil },
		Routes: func(api huma.API, _ *App) {
			huma.Register(api, huma.Operation{OperationID: "understand", Method: http.MethodPost, Path: "/v1/things/{id}"},
				func(ctx context.Context, in *fuzzedInput) (*struct {
					Key    string `header:"X-Key"`
					Tenant string `header:"X-Tenant"`
					Trace  string `header:"X-Trace"`
					Body   fuzzedBody
				}, error) {
					out := &struct {
						Key    string `header:"X-Key"`
						Tenant string `header:"X-Tenant"`
						Trace  string `header:"X-Trace"`
						Body   fuzzedBody
					}{Key: in.IdempotencyKey, Tenant: CallerFrom(ctx).Tenant, Trace: tracecontext.Parent(ctx), Body: in.Body}
					return out, nil
				})
		},
	}, config, Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.listener.Close()
		s.app.Pool.Close()
	})
	return s.http.Handler
}

// Whatever is sent to the edge: it is told as the caller's fault, as problem+json; or what the handler sees is what two
// readers of the body agree on, in the spelling of the schema, and fit to be stored.
func FuzzRequest(f *testing.F) {
	const good = `{"name":"Ada","amount":1,"lines":[{"sku":"MUG","price":{"currency":"EUR"}}],"at":"2026-05-04T10:00:00Z"}`
	for _, body := range []string{
		good, "", "null", "[]", "{}", strings.Replace(good, `"name"`, `"Name"`, 1), strings.Replace(good, `"amount":1`, `"amount":1,"amount":2`, 1),
		strings.Replace(good, `"amount":1`, `"amount":1e3`, 1), strings.Replace(good, `"Ada"`, `"\u0000"`, 1), strings.Replace(good, `"Ada"`, `"\ud800"`, 1),
		strings.Replace(good, `"sku"`, `"SKU":"X","sku"`, 1), strings.Repeat(`{"lines":[`, 40), good + good, "\xef\xbb\xbf" + good, good[:30],
		strings.Replace(good, `"amount":1`, `"amount":9223372036854775808`, 1), strings.Replace(good, `"at":"2026`, `"at":"20266`, 1),
	} {
		f.Add("order-1", "page=1", "application/json", "acme", "key-1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=b,c=d", []byte(body))
	}
	f.Add("%00", "page=%ff&&;", "application/json; charset=utf-16", "ACME", "\x7f", "00", strings.Repeat("a=b,", 99), []byte(good))
	f.Add("a/b", "page=-1", "text/plain", "", strings.Repeat("k", 256), "", "=", []byte(good))
	handler := fuzzedServer(f)
	f.Fuzz(func(t *testing.T, id, query, contentType, tenant, key, traceparent, tracestate string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/v1/things/x", bytes.NewReader(body))
		r.URL.Path, r.URL.RawQuery = "/v1/things/"+id, query
		for name, value := range map[string]string{
			"Content-Type": contentType, headerTenant: tenant, headerIdempotency: key, "traceparent": traceparent, "tracestate": tracestate,
		} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= http.StatusBadRequest {
			if w.Code >= http.StatusInternalServerError || w.Header().Get("Content-Type") != "application/problem+json" || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			return
		}
		if w.Code != http.StatusOK {
			if w.Code != http.StatusMovedPermanently { // a path that is not clean
				t.Errorf("%d %s", w.Code, w.Body)
			}
			return
		}
		if k := w.Header().Get("X-Key"); k != key || k != "" && !printable(k, maxIdempotency) {
			t.Errorf("the idempotency key %q was understood as %q", key, k)
		}
		if got := w.Header().Get("X-Tenant"); !contracts.IsTenant(got) || tenant != "" && got != tenant {
			t.Errorf("the tenant %q was understood as %q", tenant, got)
		}
		var understood, plain fuzzedBody
		if err := json.Unmarshal(w.Body.Bytes(), &understood); err != nil {
			t.Fatal(err)
		}
		// A strict reader, that knows nothing of ours, reads the same.
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(&plain); err != nil {
			t.Fatalf("%q was understood as %+v: %v", body, understood, err)
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			t.Errorf("%q has more than one value", body)
		}
		one, _ := json.Marshal(understood)
		other, _ := json.Marshal(plain)
		if !bytes.Equal(one, other) {
			t.Errorf("%q was understood as %s, and is %s", body, one, other)
		}
		if badText(understood.Name) != "" || understood.Name == "" || understood.Amount < 0 {
			t.Errorf("%+v was let through", understood)
		}
	})
}

// A big hostile body costs a small multiple of its size.
func TestHostileBodiesAreCheap(t *testing.T) {
	handler := fuzzedServer(t)
	for name, unit := range map[string]string{
		"brackets": "[", "braces": `{"a":`, "names": `"a%d":1,`, "strings": `"x",`, "escapes": `\u0041`, "quotes": `\"`, "blanks": `"a" `, "digits": "1",
		"a name": `"%d`, "surrogates": `\ud83d\ude00`, "lines": `{"sku":"A","price":{"currency":"EUR"}},`,
	} {
		for _, frame := range [][2]string{{"", ""}, {`{"name":"`, `"}`}, {`{"name":"x","amount":1,"lines":[`, `]}`}, {`{`, `"b":1}`}} {
			var body strings.Builder
			body.WriteString(frame[0])
			for i := 0; body.Len() < maxBody-64; i++ {
				if strings.Contains(unit, "%d") {
					fmt.Fprintf(&body, unit, i)
				} else {
					body.WriteString(unit)
				}
			}
			body.WriteString(frame[1])
			r := httptest.NewRequest(http.MethodPost, "/v1/things/x", strings.NewReader(body.String()))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			handler.ServeHTTP(w, r)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if w.Code < 400 || w.Code >= 500 {
				t.Errorf("%s in %q: %d", name, frame[0], w.Code)
			}
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 100*maxBody || took > 10*time.Second {
				t.Errorf("%s in %q: %d bytes for each one, in %s", name, frame[0], taken/maxBody, took)
			}
			if w.Body.Len() > 64<<10 {
				t.Errorf("%s in %q: an answer of %d bytes", name, frame[0], w.Body.Len())
			}
		}
	}
}
