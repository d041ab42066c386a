// Package simtest runs simulators within tests, and asks them what the suite would ask them.
package simtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Patience is how long a test waits for what must happen.
const Patience = time.Minute

// Runner is a simulator.
type Runner interface{ Run(context.Context) error }

// Run runs a server until the test ends, or until stop is called, which waits for its end and may be called
// more than once. The test fails if the server ends with an error.
func Run(t testing.TB, server Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
		ended <- nil
	}
	t.Cleanup(stop)
	return stop
}

// Eventually fails the test unless the condition comes to hold.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", Patience, what)
		}
	}
}

// Client asks a server.
type Client struct {
	URL  string
	HTTP *http.Client
}

// NewClient returns a client with connections of its own.
func NewClient(t testing.TB, url string) *Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &Client{URL: url, HTTP: &http.Client{Transport: transport, Timeout: Patience}}
}

// Answer is what a server said.
type Answer struct {
	Status int
	Type   string // the content type
	Body   string
}

// Code returns the answer's code, empty where it has none.
func (a Answer) Code() string {
	var body struct{ Code string }
	_ = json.Unmarshal([]byte(a.Body), &body)
	return body.Code
}

// Into decodes the body of an answer.
func Into[T any](t testing.TB, answer Answer) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(answer.Body), &value); err != nil {
		t.Fatalf("decode %q: %v", answer.Body, err)
	}
	return value
}

// Post sends a body, encoded as JSON unless it is a string, under a key unless that is empty.
func (c *Client) Post(t testing.TB, path, key string, body any) Answer {
	t.Helper()
	answer, err := c.TryPost(t, path, key, body)
	if err != nil {
		t.Fatalf("POST %s: %v", path, err)
	}
	return answer
}

// TryPost is Post where no answer may come.
func (c *Client) TryPost(t testing.TB, path, key string, body any) (Answer, error) {
	t.Helper()
	text, isText := body.(string)
	if !isText && body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text = string(encoded)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+path, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	return c.do(request)
}

// PostUnanswered sends what must be left without an answer, over a connection that has served before: there a
// Go client would repeat the request by itself, if the server let it.
func (c *Client) PostUnanswered(t testing.TB, path, key string, body any) {
	t.Helper()
	c.Get(t, "/healthz")
	if answer, err := c.TryPost(t, path, key, body); err == nil {
		t.Fatalf("POST %s was answered: %+v", path, answer)
	}
}

// Get asks for a path.
func (c *Client) Get(t testing.TB, path string) Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.do(request)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return answer
}

func (c *Client) do(request *http.Request) (Answer, error) {
	response, err := c.HTTP.Do(request)
	if err != nil {
		return Answer{}, err
	}
	body, err := io.ReadAll(response.Body)
	return Answer{
		Status: response.StatusCode, Type: response.Header.Get("Content-Type"), Body: string(bytes.TrimSpace(body)),
	}, errors.Join(err, response.Body.Close())
}

// ReportCPU reports the CPU time that the process spends in a benchmark, server and clients together. Defer what
// it returns.
func ReportCPU(b *testing.B) (report func()) {
	start := cpu(b)
	return func() { b.ReportMetric(float64((cpu(b)-start).Microseconds())/float64(b.N), "cpu-µs/op") }
}

func cpu(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
