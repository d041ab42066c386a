package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill.dev/local/freeport"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/server"
)

// running is a service that a test runs.
type running struct {
	*server.Server
	t    *testing.T
	logs *logs
	stop func()
}

type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// lines are the log's lines that have this message.
func (l *logs) lines(t *testing.T, message string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.Lines(l.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if entry["msg"] == message {
			found = append(found, entry)
		}
	}
	return found
}

// closedAddress is one that nobody listens on.
func closedAddress(t *testing.T) string {
	t.Helper()
	port, err := freeport.Pick(0)
	if err != nil {
		t.Fatal(err)
	}
	return freeport.Address(port)
}

func config(t *testing.T, databaseURL string) server.Config {
	c := server.Defaults(0)
	c.DatabaseURL = databaseURL
	c.KafkaBrokers = []string{closedAddress(t)}
	return c
}

// run runs the service until the test ends.
func run(t *testing.T, service server.Service, c server.Config, o server.Options) *running {
	t.Helper()
	r := &running{t: t, logs: &logs{}}
	if o.Logger == nil {
		o.Logger = server.NewLogger(r.logs, slog.LevelDebug)
	}
	s, err := server.New(t.Context(), service, c, o)
	if err != nil {
		t.Fatal(err)
	}
	r.Server = s
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("the server has not stopped")
		}
	})
	t.Cleanup(func() {
		r.stop()
		if t.Failed() {
			t.Log(r.logs.String())
		}
	})
	return r
}

// runCounting runs the counting service on a database of its own, without Kafka, and waits until it is ready.
func runCounting(t *testing.T, e *errands) *running {
	t.Helper()
	r := run(t, countingService(e), config(t, pgtest.Service(t, counting, nil).ServiceURL), server.Options{})
	r.waitFor("/readyz", http.StatusOK)
	return r
}

type answer struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

// call sends a request. headers are pairs of a name and a value.
func (r *running) call(method, path, body string, headers ...string) answer {
	r.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, r.URL()+path, reader)
	if err != nil {
		r.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, raw: string(raw)}
	if strings.Contains(res.Header.Get("Content-Type"), "json") && len(raw) > 0 && raw[0] == '{' {
		if err := json.Unmarshal(raw, &a.body); err != nil {
			r.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	return a
}

// waitFor waits until the path is answered with the status.
func (r *running) waitFor(path string, status int) answer {
	r.t.Helper()
	var a answer
	eventually(r.t, path, func() bool {
		a = r.call(http.MethodGet, path, "")
		return a.status == status
	})
	return a
}

// eventually waits for the condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in time", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// problem expects problem+json with the status, and gives the locations of what it complains about.
func (a answer) problem(t *testing.T, status int) map[string]string {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.raw)
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q: %s", got, a.raw)
	}
	if a.body["status"] != float64(status) || a.body["title"] != http.StatusText(status) || a.body["instance"] == nil {
		t.Errorf("not a whole problem: %s", a.raw)
	}
	found := map[string]string{}
	list, _ := a.body["errors"].([]any)
	for _, e := range list {
		e := e.(map[string]any)
		if _, echoed := e["value"]; echoed {
			t.Errorf("a value is echoed: %s", a.raw)
		}
		location, _ := e["location"].(string)
		found[location], _ = e["message"].(string)
	}
	return found
}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return resolved.Port
}
