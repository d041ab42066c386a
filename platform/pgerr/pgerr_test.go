package pgerr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/pgerr"
)

func TestEachErrorIsOfItsKind(t *testing.T) {
	t.Parallel()
	const neither, unavailable, missing, contended = "neither", "unavailable", "missing", "contended"
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, neither},
		{errors.New("a bug"), neither},
		{pgx.ErrNoRows, neither},
		{io.EOF, unavailable},
		{io.ErrUnexpectedEOF, unavailable},
		{net.ErrClosed, unavailable},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, unavailable},
		{pgconn.ErrConnClosed, unavailable},
		{context.DeadlineExceeded, unavailable},
		{context.Canceled, unavailable},
		{acquireFromClosedPool(t), unavailable},
		{connectToNobody(t), unavailable},
		{&pgconn.PgError{Code: "08006"}, unavailable},
		{&pgconn.PgError{Code: "25006"}, unavailable},
		{&pgconn.PgError{Code: "25P03"}, unavailable},
		{&pgconn.PgError{Code: "3F000"}, missing},
		{&pgconn.PgError{Code: "42P01"}, missing},
		{&pgconn.PgError{Code: "53300"}, unavailable},
		{&pgconn.PgError{Code: "57P01"}, unavailable},
		{&pgconn.PgError{Code: "58030"}, unavailable},
		{&pgconn.PgError{Code: "40001"}, contended},
		{&pgconn.PgError{Code: "40P01"}, contended},
		{&pgconn.PgError{Code: "55P03"}, contended},
		{&pgconn.PgError{Code: "57014"}, contended},
		{&pgconn.PgError{Code: "25P02"}, neither},
		{&pgconn.PgError{Code: "42703"}, neither},
		{&pgconn.PgError{}, neither},
	} {
		wrapped := c.err
		if wrapped != nil {
			wrapped = fmt.Errorf("wrapped: %w", c.err)
		}
		is := map[string]bool{unavailable: pgerr.Unavailable(wrapped), missing: pgerr.Missing(wrapped), contended: pgerr.Contended(wrapped)}
		want := map[string]bool{unavailable: c.want == unavailable || c.want == missing, missing: c.want == missing, contended: c.want == contended}
		if !maps.Equal(is, want) {
			t.Errorf("%v is %v, want %s", c.err, is, c.want)
		}
	}
}

func acquireFromClosedPool(t *testing.T) error {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), "postgres://u:p@127.0.0.1:1/x")
	if err != nil {
		t.Fatal(err)
	}
	pool.Close()
	_, err = pool.Acquire(t.Context())
	return err
}

func connectToNobody(t *testing.T) error {
	t.Helper()
	_, err := pgx.Connect(t.Context(), "postgres://u:p@127.0.0.1:1/x")
	return err
}
