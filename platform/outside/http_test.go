package outside_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/platform/outside"
)

func connect(t *testing.T, handler http.HandlerFunc) *outside.HTTP {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	h, err := outside.NewHTTP("SYSTEM_URL", server.URL+"/")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		status int
		body   string
		code   string
		err    error // of an answer that decides nothing
	}{
		{"done", 201, `{"id":"x"}`, "", outside.ErrUnknown},
		{"cut short", 200, `{"id":"x`, "", outside.ErrUnknown},
		{"too long", 200, `{"id":"` + strings.Repeat("x", 64<<10) + `"}`, "", outside.ErrUnknown},
		{"elsewhere", 307, ``, "", outside.ErrRejected},
		{"bad request", 400, `{"code":"invalid_request"}`, "invalid_request", outside.ErrRejected},
		{"a letter", 422, `{"code":"Dear Ada, …"}`, "", outside.ErrRejected},
		{"no JSON", 422, `<html>`, "", outside.ErrRejected},
		{"request timeout", 408, ``, "", outside.ErrUnknown},
		{"too many", 429, `{"code":"slow_down"}`, "slow_down", outside.ErrUnknown},
		{"overloaded", 503, ``, "", outside.ErrUnknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := connect(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			a, err := h.Get(t.Context(), "/v1/things/1")
			if err != nil {
				t.Fatal(err)
			}
			if a.Status != tc.status || a.Code != tc.code || a.OK() != (tc.status < 300) || !errors.Is(a.Undecided(), tc.err) {
				t.Errorf("status %d, code %q, %v", a.Status, a.Code, a.Undecided())
			}
			var said struct{ ID string }
			if read := a.Read(&said) == nil && said.ID == "x"; read != (tc.name == "done") {
				t.Errorf("read %+v", said)
			}
		})
	}
}

func TestRequestOnTheWire(t *testing.T) {
	t.Parallel()
	var got []string
	h := connect(t, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, r.Method+" "+r.URL.EscapedPath(), r.Header.Get("Idempotency-Key"), r.Header.Get("Content-Type"), string(body))
	})
	if _, err := h.Post(t.Context(), "/v1/things%2F1", "key", struct{ Secret string }{"s"}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Get(t.Context(), "/v1/things"); err != nil {
		t.Fatal(err)
	}
	want := []string{"POST /v1/things%2F1", "key", "application/json", `{"Secret":"s"}`, "GET /v1/things", "", "", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSilenceIsUnknownAndTellsNothingOfTheBody(t *testing.T) {
	t.Parallel()
	h, err := outside.NewHTTP("SYSTEM_URL", "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Post(t.Context(), "/", "key", "a secret"); !errors.Is(err, outside.ErrUnknown) || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestWhatIsNoURL(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "127.0.0.1:9081", "ftp://system", "http://", "http://[::1"} {
		if _, err := outside.NewHTTP("SYSTEM_URL", base); err == nil || !strings.HasPrefix(err.Error(), "SYSTEM_URL: ") {
			t.Errorf("%q: %v", base, err)
		}
	}
}
