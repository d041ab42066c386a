package web

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

const (
	maximalBody = 1 << 20 // bytes
	maximalKey  = 255     // characters
)

// Decode reads the JSON body of a request into value; an empty body leaves it as it is. The error is the
// Problem to answer with: too large, not JSON, or of another shape.
func Decode(w http.ResponseWriter, r *http.Request, value any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maximalBody))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(value)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			return Invalid("the body must be one JSON object")
		}
	}
	var tooLarge *http.MaxBytesError
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &tooLarge):
		return NewProblem(http.StatusRequestEntityTooLarge, "body_too_large",
			"the body may have %d bytes at most", maximalBody)
	case errors.As(err, &wrongType):
		return Invalid("the body's %q must be of type %s", wrongType.Field, wrongType.Type)
	case strings.HasPrefix(err.Error(), "json: unknown field"):
		return Invalid("the body has a field that is not known here")
	default:
		return Invalid("the body must be a JSON object")
	}
}

// IdempotencyKey returns the key under which the answer to a request is stored. The error is the Problem to
// answer with where there is none.
func IdempotencyKey(r *http.Request) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		return "", NewProblem(http.StatusBadRequest, "key_missing", "the header Idempotency-Key is missing")
	}
	if len(key) > maximalKey {
		return "", NewProblem(http.StatusBadRequest, "key_too_long",
			"the header Idempotency-Key may have %d characters at most", maximalKey)
	}
	return key, nil
}

// KeyReused is the problem of a key that has been used for another request: 409 key_reused.
func KeyReused() *Problem {
	return NewProblem(http.StatusConflict, "key_reused", "this Idempotency-Key was used for another request")
}
