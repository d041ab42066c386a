package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is an answer of status 400 or more, as RFC 9457 tells it.
type Problem struct {
	Status int          `json:"status"`
	Title  string       `json:"title"`
	Detail string       `json:"detail"`
	Code   string       `json:"code"` // the simulators' word for it
	Errors []FieldError `json:"errors"`
	// RetryAfter is how long to wait before the request is sent again; zero where it was not said.
	RetryAfter time.Duration `json:"-"`
}

// FieldError is one wrong field of a request.
type FieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

func (p *Problem) Error() string {
	text := fmt.Sprintf("%d %s", p.Status, http.StatusText(p.Status))
	for _, more := range []string{p.Code, p.Detail} {
		if more != "" {
			text += ": " + more
		}
	}
	var fields []string
	for _, e := range p.Errors {
		fields = append(fields, strings.TrimSpace(e.Location+" "+e.Message))
	}
	if len(fields) > 0 {
		text += " (" + strings.Join(fields, "; ") + ")"
	}
	return text
}

// StatusOf is the HTTP status of the problem that the error is; 0 where there was no answer.
func StatusOf(err error) int {
	var p *Problem
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}

// problemOf reads an answer that is a problem, and makes one of an answer that is not.
func problemOf(response *http.Response, body []byte) *Problem {
	p := &Problem{}
	if json.Unmarshal(body, p) != nil {
		p = &Problem{}
	}
	p.Status = response.StatusCode
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	return p
}
