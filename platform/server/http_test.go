package server_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/platform/server"
)

func TestBadRequestsAreProblemsThatNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	post := "/v1/counters/a/additions"
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		locations                []string
	}{
		{name: "malformed JSON", body: `{"by":`, status: 400, locations: []string{"body"}},
		{name: "no body", status: 400},
		{name: "an unknown field", body: `{"by":1,"colour":"red"}`, status: 422, locations: []string{"body.colour"}},
		{name: "another spelling", body: `{"By":1}`, status: 422, locations: []string{"body", "body.By"}},
		{name: "a second spelling", body: `{"by":1,"By":0}`, status: 422, locations: []string{"body.By"}},
		{name: "a second spelling below", body: `{"by":1,"labels":[{"name":"a","NAME":""}]}`, status: 422, locations: []string{"body.labels[0].NAME"}},
		{name: "a spelling by folding", body: `{"by":1,"labelſ":[]}`, status: 422, locations: []string{"body.labelſ"}},
		{name: "a field twice", body: `{"by":1,"by":1}`, status: 400, locations: []string{"body"}},
		{name: "a field twice below", body: `{"by":1,"labels":[{"name":"","name":"a"}]}`, status: 400, locations: []string{"body.labels[0]"}},
		{name: "a field twice, escaped", body: `{"by":1,"\u0062y":1}`, status: 400, locations: []string{"body"}},
		{name: "nested without end", body: `{"by":1,"labels":` + strings.Repeat("[", 1<<19) + `}`, status: 400, locations: []string{"body"}},
		{name: "every wrong field", body: `{"by":0,"email":"x","labels":[{"name":"a"},{"name":""}]}`, status: 422, locations: []string{"body.by", "body.email", "body.labels[1].name"}},
		{name: "a wrong type", body: `{"by":"1"}`, status: 422, locations: []string{"body.by"}},
		{name: "a fraction", body: `{"by":1.5}`, status: 422, locations: []string{"body.by"}},
		{name: "past int64", body: `{"by":92233720368547758080}`, status: 422, locations: []string{"body.by"}},
		{name: "invalid UTF-8", body: "{\"by\":1,\"labels\":[{\"name\":\"a\xff\"}]}", status: 400, locations: []string{"body.labels[0].name"}},
		{name: "an escaped U+0000", body: `{"by":1,"labels":[{"name":"a"},{"name":"a\u0000"}]}`, status: 400, locations: []string{"body.labels[1].name"}},
		{name: "a raw U+0000", body: "{\"by\":1,\"email\":\"\x00\"}", status: 400, locations: []string{"body.email"}},
		{name: "half a surrogate pair", body: `{"by":1,"email":"\ud800"}`, status: 400, locations: []string{"body.email"}},
		{name: "U+0000 in a name", body: `{"by":1,"labels":[{"\u0000":1}]}`, status: 400, locations: []string{"body.labels[0]"}},
		{name: "U+0000 in the path", path: "/v1/counters/a%00/additions", body: `{"by":1}`, status: 400, locations: []string{"path"}},
		{name: "invalid UTF-8 in the path", path: "/v1/counters/a%ff/additions", body: `{"by":1}`, status: 400, locations: []string{"path"}},
		{name: "U+0000 in the query", method: "GET", path: "/v1/parked?cursor=%00", status: 400, locations: []string{"query.cursor"}},
		{name: "invalid UTF-8 in the query", method: "GET", path: "/v1/parked?cursor=%c3%28", status: 400, locations: []string{"query.cursor"}},
		{name: "an unknown query", method: "GET", path: "/v1/parked?limit=1&stat=discarded", status: 422, locations: []string{"query.stat"}},
		{name: "another spelling in the query", method: "GET", path: "/v1/parked?State=discarded", status: 422, locations: []string{"query.State"}},
		{name: "a query twice", method: "GET", path: "/v1/parked?state=parked&state=discarded", status: 422, locations: []string{"query.state"}},
		{name: "a query where none is taken", path: "/v1/counters/a/additions?by=1", body: `{"by":1}`, status: 422, locations: []string{"query.by"}},
		{name: "a malformed query", method: "GET", path: "/v1/parked?cursor=%zz", status: 400, locations: []string{"query"}},
		{name: "invalid UTF-8 in a header", body: `{"by":1}`, headers: []string{"X-Other", "\xff"}, status: 400, locations: []string{"header.X-Other"}},
		{name: "a body over 1 MiB", body: `{"by":1,"email":"` + strings.Repeat("a", 1<<20) + `"}`, status: 413},
		{name: "another content type", body: `by=1`, headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, locations: []string{"header.Content-Type"}},
		{name: "another charset", body: `{"by":1}`, headers: []string{"Content-Type", "application/json; charset=latin1"}, status: 415, locations: []string{"header.Content-Type"}},
		{name: "a compressed body", body: `{"by":1}`, headers: []string{"Content-Encoding", "gzip"}, status: 415, locations: []string{"header.Content-Type"}},
		{name: "a tenant in capitals", body: `{"by":1}`, headers: []string{"X-Tenant-ID", "Acme"}, status: 400, locations: []string{"header.X-Tenant-Id"}},
		{name: "a tenant of 64", body: `{"by":1}`, headers: []string{"X-Tenant-ID", strings.Repeat("a", 64)}, status: 400, locations: []string{"header.X-Tenant-Id"}},
		{name: "a long correlation id", body: `{"by":1}`, headers: []string{"X-Correlation-ID", strings.Repeat("a", 129)}, status: 400, locations: []string{"header.X-Correlation-Id"}},
		{name: "a correlation id that is not ASCII", body: `{"by":1}`, headers: []string{"X-Correlation-ID", "ä"}, status: 400, locations: []string{"header.X-Correlation-Id"}},
		{name: "a long idempotency key", body: `{"by":1}`, headers: []string{"Idempotency-Key", strings.Repeat("a", 256)}, status: 400, locations: []string{"header.Idempotency-Key"}},
		{name: "an empty idempotency key", body: `{"by":1}`, headers: []string{"Idempotency-Key", ""}, status: 400, locations: []string{"header.Idempotency-Key"}},
		{name: "several wrong headers", body: `{"by":1}`, headers: []string{"X-Tenant-ID", "A", "Idempotency-Key", "ö"}, status: 400, locations: []string{"header.Idempotency-Key", "header.X-Tenant-Id"}},
		{name: "an unknown path", method: "GET", path: "/v1/nothing", status: 404},
		{name: "an unknown method", method: "DELETE", path: "/v1/counters/a", status: 405},
		{name: "a malformed cursor", method: "GET", path: "/v1/parked?cursor=abc", status: 422, locations: []string{"query.cursor"}},
		{name: "a cursor of nothing", method: "GET", path: "/v1/parked?cursor=" + base64.RawURLEncoding.EncodeToString([]byte(`null`)), status: 422, locations: []string{"query.cursor"}},
		{name: "an empty cursor", method: "GET", path: "/v1/parked?cursor=" + base64.RawURLEncoding.EncodeToString([]byte(`{}`)), status: 422, locations: []string{"query.cursor"}},
		{name: "a cursor without an id", method: "GET", path: "/v1/parked?cursor=" + base64.RawURLEncoding.EncodeToString([]byte(`{"parkedAt":"2026-01-01T00:00:00Z"}`)), status: 422, locations: []string{"query.cursor"}},
		{name: "a cursor with another id", method: "GET", path: "/v1/parked?cursor=" + base64.RawURLEncoding.EncodeToString([]byte(`{"parkedAt":"2026-01-01T00:00:00Z","id":"x"}`)), status: 422, locations: []string{"query.cursor"}},
		{name: "a limit of 0", method: "GET", path: "/v1/parked?limit=0", status: 422, locations: []string{"query.limit"}},
		{name: "an unknown id", method: "GET", path: "/v1/counters/nobody", status: 404},
		{name: "a refusal", body: `{"by":13}`, status: 409},
	} {
		t.Run(c.name, func(t *testing.T) {
			method, path := "POST", post
			if c.method != "" {
				method = c.method
			}
			if c.path != "" {
				path = c.path
			}
			a := r.call(method, path, c.body, c.headers...)
			found := a.problem(t, c.status)
			for _, l := range c.locations {
				if _, ok := found[canonical(found, l)]; !ok {
					t.Errorf("%s is not complained about: %s", l, a.raw)
				}
			}
			if len(found) != len(c.locations) {
				t.Errorf("complaints %v, want %v", found, c.locations)
			}
			if a.header.Get("X-Correlation-ID") == "" {
				t.Error("no correlation id")
			}
		})
	}
	if got := r.call("GET", "/v1/counters/a", ""); got.status != http.StatusNotFound {
		t.Errorf("something was stored: %s", got.raw)
	}
}

// canonical finds a header's location in whatever case it is written.
func canonical(found map[string]string, location string) string {
	for l := range found {
		if strings.EqualFold(l, location) {
			return l
		}
	}
	return location
}

func TestErrorsKeepWhatWasSentToThemselves(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	secret := "tok_secret"
	for _, body := range []string{
		`{"by":1,"email":"someone ` + secret + `"}`,
		`{"by":1,"email":"a@example.com, ` + secret + `@example.com"}`,
		`{"by":1,"link":"http://[` + secret + `"}`,
		`{"by":1,"email":"` + secret + `",`,
		`{"by":"` + secret + `"}`,
	} {
		a := r.call("POST", "/v1/counters/a/additions?token="+secret, body)
		if a.status < 400 || a.status > 499 {
			t.Errorf("%s: status %d", body, a.status)
		}
		if strings.Contains(a.raw, secret) {
			t.Errorf("%s is told: %s", body, a.raw)
		}
	}
	for path, want := range map[string]string{"/v1/panic": "mallory", "/v1/broken": "the inside"} {
		a := r.call("GET", path, "")
		a.problem(t, http.StatusInternalServerError)
		if strings.Contains(a.raw, want) {
			t.Errorf("%s tells too much: %s", path, a.raw)
		}
	}
	if strings.Contains(r.logs.String(), secret) || strings.Contains(r.logs.String(), "mallory") {
		t.Error("the log holds what was sent")
	}
	if len(r.logs.lines(t, "a request failed")) != 2 {
		t.Error("what failed within is not in the log")
	}
}

func TestCallersAreToldApart(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	a := r.call("POST", "/v1/counters/a/additions", `{"by":2}`, "X-Tenant-ID", "acme", "X-Correlation-ID", "order 7", "Content-Type", "application/json; charset=UTF-8")
	if a.status != http.StatusCreated || a.header.Get("Location") != "/v1/counters/a" || a.body["total"] != 2.0 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	if got := a.header.Get("X-Correlation-ID"); got != "order 7" {
		t.Errorf("correlation id %q", got)
	}
	if strings.Contains(a.raw, "$schema") || a.header.Get("Link") != "" {
		t.Errorf("the answer has more in it than the service put: %s", a.raw)
	}
	r.call("GET", "/v1/counters/a", "").problem(t, http.StatusNotFound)
	if got := r.call("GET", "/v1/counters/a", "", "X-Tenant-ID", "acme"); got.body["total"] != 2.0 {
		t.Errorf("the tenant's own: %s", got.raw)
	}
	made := r.call("GET", "/v1/counters/b", "").header.Get("X-Correlation-ID")
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7`).MatchString(made) {
		t.Errorf("a correlation id was made that is no UUIDv7: %q", made)
	}
	history, err := r.App().Log.History(t.Context(), counters.Stream("acme", "a"))
	if err != nil || len(history) != 1 || history[0].CorrelationID != "order 7" || history[0].CausationID == "" {
		t.Errorf("%+v, %v", history, err)
	}
}

func TestRequestIsLoggedWithItsNamesAndWithoutItsQuery(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	order := "0199c3b4-7d1e-7000-8000-000000000001"
	r.call("POST", "/v1/counters/"+order+"/additions?x=secret", `{"by":1}`, "X-Tenant-ID", "acme", "X-Correlation-ID", "c-1",
		"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	var line map[string]any
	eventually(t, "the line", func() bool {
		for _, l := range r.logs.lines(t, "request") {
			line = l
		}
		return line != nil
	})
	want := map[string]any{
		"level": "INFO", "service": counting, "method": "POST", "route": "/v1/counters/:id/additions", "status": 422.0,
		"correlation_id": "c-1", "tenant": "acme", "order": order, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
	}
	for name, value := range want {
		if diff := cmp.Diff(value, line[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if strings.Contains(r.logs.String(), "x=secret") {
		t.Error("the query is in the log")
	}
}

// Go's decoder names our types, and quotes what was sent.
func TestNumbersAreToldInTheCallersTerms(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	for _, by := range []string{"1.0", "1e0"} {
		a := r.call("POST", "/v1/counters/a/additions", `{"by":`+by+`}`)
		a.problem(t, http.StatusUnprocessableEntity)
		if strings.Contains(a.raw, "unmarshal") || !strings.Contains(a.raw, "whole numbers") {
			t.Errorf("%s: %s", by, a.raw)
		}
	}
}

func TestPathsAreDecoded(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	r.call("POST", "/v1/counters/a-b%2541/additions", `{"by":2}`)
	for _, path := range []string{"/v1/counters/a-b%2541", "/v1/counters/a%2Db%2541", "/v1/counters/%61-b%2541"} {
		if a := r.call("GET", path, ""); a.status != http.StatusOK || a.body["id"] != "a-b%41" || a.body["total"] != 2.0 {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	}
}

func TestRawBodyIsWhatWasSigned(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	if a := r.call("POST", "/v1/webhooks", `{ "a" : 1 }`); a.raw != "\"{ \\\"a\\\" : 1 }\"\n" {
		t.Errorf("%s", a.raw)
	}
}

func TestHeadAndOptions(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	r.call("POST", "/v1/counters/a/additions", `{"by":2}`)
	if a := r.call("HEAD", "/v1/counters/a", ""); a.status != http.StatusOK || a.raw != "" || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %d %q %v", a.status, a.raw, a.header)
	}
	if a := r.call("OPTIONS", "/v1/counters/a", ""); a.status != http.StatusNoContent || !strings.Contains(a.header.Get("Allow"), "GET") {
		t.Errorf("OPTIONS: %d %v", a.status, a.header)
	}
	if a := r.call("DELETE", "/v1/counters/a", ""); !strings.Contains(a.header.Get("Allow"), "GET") {
		t.Errorf("405 without Allow: %v", a.header)
	}
}

func TestABodyThatEndsEarlyIsTheCallersFault(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	conn, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/counters/a/additions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"by\":1}")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestDocumentationNeedsNoInternet(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	spec := r.call("GET", "/openapi.json", "")
	if spec.status != http.StatusOK || spec.body["openapi"] != "3.1.0" {
		t.Fatalf("%d %v", spec.status, spec.body["openapi"])
	}
	for _, want := range []string{"X-Tenant-ID", "X-Correlation-ID", "Idempotency-Key", "/v1/parked"} {
		if !strings.Contains(spec.raw, want) {
			t.Errorf("the document does not speak of %s", want)
		}
	}
	if strings.Contains(spec.raw, "The value at the given location") {
		t.Error("the document promises to echo values")
	}
	page := r.call("GET", "/docs", "")
	if page.status != http.StatusOK || !strings.Contains(page.raw, "/openapi.json") {
		t.Fatalf("%d %s", page.status, page.raw)
	}
	links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page.raw, -1)
	if len(links) < 3 {
		t.Fatalf("no assets in %s", page.raw)
	}
	for _, l := range links {
		link := l[1]
		if regexp.MustCompile(`^(https?:)?//`).MatchString(link) {
			t.Errorf("the page loads %s", link)
			continue
		}
		res, err := http.Get(r.URL() + link)
		if err != nil {
			t.Fatal(err)
		}
		size, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || size == 0 {
			t.Errorf("%s: status %d, %d bytes, %v", link, res.StatusCode, size, err)
		}
	}
	if regexp.MustCompile(`https?://\w`).MatchString(page.raw) {
		t.Errorf("the page names a remote address: %s", page.raw)
	}
}

func TestStoppingWaitsForRequestsUnderWay(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	e := &errands{}
	r := runCounting(t, e)
	e.on("hold", func(context.Context, *server.App, server.JobOf[errand]) error { close(begun); <-finish; return nil })
	r.call("POST", "/v1/counters/a/additions", `{"by":1,"errand":"hold"}`)
	<-begun
	stopped := make(chan struct{})
	go func() { r.stop(); close(stopped) }()
	eventually(t, "no new connections", func() bool {
		conn, err := net.Dial("tcp", r.Addr())
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	select {
	case <-stopped:
		t.Fatal("it has stopped over a job")
	default:
	}
	close(finish)
	<-stopped
}

// What anybody may send must not become names of series and spans.
func TestAnyMethodIsOneOther(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	for _, method := range []string{"BREW", "WHEN", "get"} {
		r.call(method, "/v1/counters/a", "").problem(t, http.StatusMethodNotAllowed)
	}
	metrics := r.call("GET", "/metrics", "").raw
	want := `http_request_duration_seconds_count{method="other",route="/v1/counters/:id",status="405"} 3`
	if !strings.Contains(metrics, want) || strings.Contains(metrics, "BREW") {
		t.Errorf("the metrics lack %s", want)
	}
}
