package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
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
	case errors.Is(err, eventlog.ErrUnavailable), unavailable(err):
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

// unavailable says whether the error is one of a database that is away, overloaded or being stopped, so that
// the same may succeed later.
func unavailable(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
		errors.Is(err, puddle.ErrClosedPool) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err != nil && err.Error() == "conn closed"
	}
	switch pg.Code[:2] {
	case "08", // connection exceptions
		"40", // serialization failures, deadlocks
		"53", // insufficient resources
		"55", // a lock that is not available
		"57", // statement timeout, shutdown
		"58": // the server's own disk
		return true
	}
	return false
}

// withoutValue cuts off what huma quotes of a value that does not have its format: "expected string to be RFC
// 5322 email: mail: …".
func withoutValue(message string) string {
	if strings.HasPrefix(message, "expected string to be") || strings.HasPrefix(message, "expected duration") {
		message, _, _ = strings.Cut(message, ": ")
	}
	return message
}
