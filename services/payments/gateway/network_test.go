package gateway

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// fate is what becomes of a request on its way to the provider, and of the answer on its way back.
type fate int

const (
	answered     fate = iota
	lostBefore        // the request never comes there
	lostAfter         // it is done, and the answer is lost
	failedBefore      // something on the way says 503, and nothing is done
	failedAfter       // it is done, and something on the way says 502
	late              // the connection is cut, and the request comes there some time later
	repeated          // the request comes there twice
	fates             // how many there are
)

// network is the way to the provider. It is used by one call at a time.
type network struct {
	to  string
	url string

	mu   sync.Mutex
	fate fate
	// held are the requests that are late.
	held []*http.Request
}

func newNetwork(t testing.TB, to string) *network {
	t.Helper()
	n := &network{to: to}
	server := httptest.NewServer(http.HandlerFunc(n.serve))
	t.Cleanup(server.Close)
	n.url = server.URL
	return n
}

func (n *network) serve(w http.ResponseWriter, r *http.Request) {
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
	if fate == late {
		n.held = append(n.held, forward())
	}
	n.mu.Unlock()
	switch fate {
	case lostBefore, late:
		panic(http.ErrAbortHandler)
	case failedBefore:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case repeated:
		_, _, _ = n.send(forward())
	case answered, lostAfter, failedAfter, fates:
	}
	status, answer, err := n.send(forward())
	switch {
	case err != nil, fate == lostAfter:
		panic(http.ErrAbortHandler) // the provider may cut the connection itself
	case fate == failedAfter:
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

func (n *network) send(r *http.Request) (int, []byte, error) {
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// arrive lets one of the late requests come there, by its number.
func (n *network) arrive(i int) {
	n.mu.Lock()
	r := n.held[i]
	n.held = append(n.held[:i:i], n.held[i+1:]...)
	n.mu.Unlock()
	_, _, _ = n.send(r)
}

// next is what becomes of the next requests.
func (n *network) next(f fate) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fate = f
}

// late is how many requests are held.
func (n *network) late() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.held)
}

// forget drops what is held.
func (n *network) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = nil
}
