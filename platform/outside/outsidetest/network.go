// Package outsidetest is a bad way to a system outside: what is asked over it gets lost, comes late, and comes twice.
package outsidetest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Fate is what becomes of a request on its way there, and of the answer on its way back.
type Fate int

// The fates.
const (
	Answered     Fate = iota
	LostBefore        // the request never comes there
	LostAfter         // it is done, and the answer is lost
	FailedBefore      // something on the way says 503, and nothing is done
	FailedAfter       // it is done, and something on the way says 502
	Late              // the connection is cut, and the request comes there some time later
	Repeated          // the request comes there twice
	Fates             // how many there are
)

// Network is the way there. It is used by one call at a time.
type Network struct {
	// URL is its beginning.
	URL string

	to   string
	mu   sync.Mutex
	fate Fate
	// held are the requests that are late.
	held []*http.Request
}

// New is the way to the system at a URL.
func New(t testing.TB, to string) *Network {
	t.Helper()
	n := &Network{to: to}
	server := httptest.NewServer(http.HandlerFunc(n.serve))
	t.Cleanup(server.Close)
	n.URL = server.URL
	return n
}

func (n *Network) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	forward := func() *http.Request {
		out, err := http.NewRequest(r.Method, n.to+r.URL.RequestURI(), bytes.NewReader(body))
		if err != nil {
			panic(err)
		}
		out.Header = r.Header.Clone()
		return out
	}
	n.mu.Lock()
	fate := n.fate
	if fate == Late {
		n.held = append(n.held, forward())
	}
	n.mu.Unlock()
	switch fate {
	case LostBefore, Late:
		panic(http.ErrAbortHandler)
	case FailedBefore:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case Repeated:
		_, _, _ = n.send(forward())
	case Answered, LostAfter, FailedAfter, Fates:
	}
	status, answer, err := n.send(forward())
	switch {
	case err != nil, fate == LostAfter:
		panic(http.ErrAbortHandler) // the provider may cut the connection itself
	case fate == FailedAfter:
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

func (n *Network) send(r *http.Request) (int, []byte, error) {
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// Arrive lets one of the late requests come there, by its number.
func (n *Network) Arrive(i int) {
	n.mu.Lock()
	r := n.held[i]
	n.held = append(n.held[:i:i], n.held[i+1:]...)
	n.mu.Unlock()
	_, _, _ = n.send(r)
}

// Next is what becomes of the next requests.
func (n *Network) Next(f Fate) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fate = f
}

// Held is how many requests are held.
func (n *Network) Held() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.held)
}

// Forget drops what is held.
func (n *Network) Forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = nil
}
