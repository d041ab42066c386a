package web

import "net/http"

// Cut ends the connection of a request before any of its answer can be read.
//
// One byte of a status line goes out first. Without it, a Go client sees a kept-alive connection that ended
// before the first byte, and silently sends a request with an Idempotency-Key once more; the fault that
// somebody asked for would never be seen.
func Cut(w http.ResponseWriter) error {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // not HTTP/1: the server has its own way to cut
	}
	// The caller may be gone already, which is all that is wanted.
	_, _ = connection.Write([]byte("H"))
	_ = connection.Close()
	return nil
}
