package server_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/server"
)

func TestSameKeyIsAnsweredTheSame(t *testing.T) {
	t.Parallel()
	access := pgtest.Service(t, counting, nil)
	r := run(t, countingService(&errands{}), config(t, access.ServiceURL), server.Options{})
	r.waitFor("/readyz", http.StatusOK)
	post := func(on *running, path, body string, headers ...string) answer {
		return on.call("POST", path, body, append(headers, "Idempotency-Key", "k 1")...)
	}
	path := "/v1/counters/a/additions"
	first := post(r, path, `{"by":2}`)
	if first.status != http.StatusCreated {
		t.Fatalf("%d %s", first.status, first.raw)
	}
	r.call("POST", path, `{"by":5}`)
	same := func(a answer) {
		t.Helper()
		if a.status != first.status || a.raw != first.raw || a.header.Get("Location") != first.header.Get("Location") {
			t.Errorf("answered %d %s, at first %d %s", a.status, a.raw, first.status, first.raw)
		}
	}
	same(post(r, path, `{"by":2}`))
	found := post(r, path, `{"by": 2}`).problem(t, http.StatusUnprocessableEntity)
	if found["header.Idempotency-Key"] == "" {
		t.Errorf("complaints %v", found)
	}
	for name, other := range map[string]answer{
		"path":   post(r, "/v1/counters/b/additions", `{"by":2}`),
		"tenant": post(r, path, `{"by":2}`, "X-Tenant-ID", "acme"),
	} {
		if other.status != http.StatusCreated || other.body["total"] != 2.0 {
			t.Errorf("another %s: %d %s", name, other.status, other.raw)
		}
	}
	r.stop()
	r = run(t, countingService(&errands{}), config(t, access.ServiceURL), server.Options{})
	r.waitFor("/readyz", http.StatusOK)
	same(post(r, path, `{"by":2}`))
	if a := r.call("GET", "/v1/counters/a", ""); a.body["total"] != 7.0 {
		t.Errorf("counted twice: %s", a.raw)
	}
}

func TestRefusalsAreNotKept(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	key := []string{"Idempotency-Key", "k"}
	r.call("POST", "/v1/counters/a/additions", `{"by":0}`, key...).problem(t, http.StatusUnprocessableEntity)
	r.call("POST", "/v1/counters/a/additions", `{"by":13}`, key...).problem(t, http.StatusConflict)
	if a := r.call("POST", "/v1/counters/a/additions", `{"by":1}`, key...); a.status != http.StatusCreated {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

func TestPostWithoutABody(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	for range 2 {
		if a := r.call("POST", "/v1/counters/a/retry", "", "Idempotency-Key", "k"); a.status != http.StatusAccepted {
			t.Errorf("%d %s", a.status, a.raw)
		}
	}
	if a := r.call("GET", "/v1/counters/a", ""); strings.Count(a.raw, "retry") != 1 {
		t.Errorf("%s", a.raw)
	}
}

func TestRequestsUnderOneKeyAtOnceAreOne(t *testing.T) {
	t.Parallel()
	r := runCounting(t, &errands{})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if a := r.call("POST", "/v1/counters/a/additions", `{"by":2}`, "Idempotency-Key", "k"); a.status != http.StatusCreated || a.body["total"] != 2.0 {
				t.Errorf("%d %s", a.status, a.raw)
			}
		})
	}
	all.Wait()
}
