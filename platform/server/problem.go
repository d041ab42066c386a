package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/failure"
)

// Problem is the error as it is told to a caller: problem+json (RFC 9457) with the status that fits. What is no
// caller's business is told as a 500 without detail, and logged.
func Problem(err error) error {
	var refusal *es.Refusal
	var status huma.StatusError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status):
		return err // it is one already
	case errors.As(err, &refusal):
		return huma.NewError(refusalStatus(refusal.Code), refusal.Detail)
	case errors.Is(err, eventlog.ErrUnderWay):
		return retryLater(http.StatusConflict, "a request with this Idempotency-Key is under way")
	case errors.Is(err, eventlog.ErrKeyReused):
		return huma.NewError(http.StatusUnprocessableEntity, "this Idempotency-Key was used with another body",
			&huma.ErrorDetail{Location: "header.Idempotency-Key", Message: "was used with another body"})
	case failure.Of(err) == failure.Transient:
		return retryLater(http.StatusServiceUnavailable, "the service cannot reach what it needs; try again later")
	}
	return huma.NewError(http.StatusInternalServerError, "unexpected error", err)
}

func refusalStatus(code es.RefusalCode) int {
	switch code {
	case es.NotFound:
		return http.StatusNotFound
	case es.Conflict:
		return http.StatusConflict
	case es.Invalid:
		return http.StatusUnprocessableEntity
	}
	return http.StatusInternalServerError
}

func retryLater(status int, detail string) error {
	return huma.ErrorWithHeaders(huma.NewError(status, detail), http.Header{"Retry-After": {"1"}})
}

// wrongNumber is what is told of a number that is none of ours: encoding/json quotes it, and names our types.
const wrongNumber = "a number has a fraction or an exponent, or is too large: whole numbers of 64 bits are expected"

// withoutValue cuts off what huma quotes of a value that does not have its format: "expected string to be RFC
// 5322 email: mail: …".
func withoutValue(message string) string {
	if strings.HasPrefix(message, "json: cannot unmarshal number") {
		return wrongNumber
	}
	if strings.HasPrefix(message, "expected string to be") || strings.HasPrefix(message, "expected duration") {
		message, _, _ = strings.Cut(message, ": ")
	}
	return message
}
