// Package pgerr tells the errors of PostgreSQL that pass by themselves from those that do not.
package pgerr

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
)

// Unavailable says whether the error is one of a server that is away, overloaded, being stopped or a standby, or whose
// schema has not been migrated yet: it does not answer anybody, and may later. A context that ended while the server
// was waited for counts as well.
func Unavailable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// The classes are those of PostgreSQL's appendix A.
		switch pg.Code {
		case "57014": // a statement that was cancelled, most often by its own timeout: see Contended
			return false
		case "25006", "25P03": // the server became a standby; it ended a session that was idle in a transaction
			return true
		}
		for _, class := range []string{
			"08", // connections
			"53", // too few resources
			"57", // an operator's intervention: shutdown, start
			"58", // the server's own disk
		} {
			if strings.HasPrefix(pg.Code, class) {
				return true
			}
		}
		return Missing(err)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, puddle.ErrClosedPool) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// Missing says whether the error is one of a schema or table that is not there: it has not been migrated yet, or one
// statement is ahead of it.
func Missing(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "3F000" || pg.Code == "42P01")
}

// Contended says whether the error is one of a statement that lost against another, or ran out of its time, on a
// server that is there: the same may succeed when it is run again.
func Contended(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "40001", "40P01", "55P03", "57014": // serialization, deadlock, lock timeout, statement timeout
		return true
	}
	return false
}
