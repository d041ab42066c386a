package web

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Problem is a request that cannot be answered as asked, told as RFC 9457 application/problem+json with a
// code that machines can read. It never repeats what the caller sent: that may be a token or an address.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// NewProblem makes a problem out of an HTTP status, a code and a sentence for people.
func NewProblem(status int, code, format string, arguments ...any) *Problem {
	return &Problem{
		Title: http.StatusText(status), Status: status, Code: code, Detail: fmt.Sprintf(format, arguments...),
	}
}

// Invalid is the problem of a request that says something wrong: 400 invalid_request.
func Invalid(format string, arguments ...any) *Problem {
	return NewProblem(http.StatusBadRequest, "invalid_request", format, arguments...)
}

func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

func (p *Problem) write(w http.ResponseWriter) {
	write(w, p.Status, "application/problem+json", p)
}

// Answer writes a JSON answer.
func Answer(w http.ResponseWriter, status int, body any) error {
	write(w, status, "application/json", body)
	return nil
}

func write(w http.ResponseWriter, status int, contentType string, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		// Only our own types come here, and none of them can fail.
		panic(err)
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	// A caller that is gone will ask again by its key.
	_, _ = w.Write(append(encoded, '\n'))
}
