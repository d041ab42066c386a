package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgconn"

	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/server"
)

func TestEachErrorHasItsStatus(t *testing.T) {
	t.Parallel()
	if server.Problem(nil) != nil {
		t.Error("no error is a problem")
	}
	for _, c := range []struct {
		err    error
		status int
		later  bool
	}{
		{es.Refuse(es.NotFound, "x"), http.StatusNotFound, false},
		{fmt.Errorf("wrapped: %w", es.Refuse(es.Conflict, "x")), http.StatusConflict, false},
		{es.Refuse(es.Invalid, "x"), http.StatusUnprocessableEntity, false},
		{es.Refuse("other", "x"), http.StatusInternalServerError, false},
		{fmt.Errorf("%w: lock timeout", eventlog.ErrUnderWay), http.StatusConflict, true},
		{eventlog.ErrKeyReused, http.StatusUnprocessableEntity, false},
		{fmt.Errorf("%w: away", eventlog.ErrUnavailable), http.StatusServiceUnavailable, true},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, http.StatusServiceUnavailable, true},
		{context.DeadlineExceeded, http.StatusServiceUnavailable, true},
		{&pgconn.PgError{Code: "57P01"}, http.StatusServiceUnavailable, true},
		{&pgconn.PgError{Code: "53300"}, http.StatusServiceUnavailable, true},
		{io.ErrUnexpectedEOF, http.StatusServiceUnavailable, true},
		{fmt.Errorf("list: %w", io.EOF), http.StatusServiceUnavailable, true},
		{&pgconn.PgError{Code: "25006"}, http.StatusServiceUnavailable, true},
		{&pgconn.PgError{Code: "57014"}, http.StatusServiceUnavailable, true},
		{&pgconn.PgError{Code: "55P03"}, http.StatusServiceUnavailable, true},
		{&pgconn.PgError{Code: "42703"}, http.StatusInternalServerError, false},
		{errors.New("a bug"), http.StatusInternalServerError, false},
		{huma.Error401Unauthorized("x"), http.StatusUnauthorized, false},
	} {
		err := server.Problem(c.err)
		var status huma.StatusError
		if !errors.As(err, &status) || status.GetStatus() != c.status {
			t.Errorf("%v: %v, want %d", c.err, err, c.status)
		}
		var headers huma.HeadersError
		if errors.As(err, &headers) != c.later || c.later && headers.GetHeaders().Get("Retry-After") == "" {
			t.Errorf("%v: Retry-After is not as it should be", c.err)
		}
	}
}
