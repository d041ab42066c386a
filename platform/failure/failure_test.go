package failure_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"waybill.dev/platform/es"
	"waybill.dev/platform/failure"
)

func panicking(value any) (err error) {
	defer failure.Recovered(&err)
	panic(value)
}

func TestEachErrorIsOfOneClass(t *testing.T) {
	t.Parallel()
	away := failure.As(failure.Transient, errors.New("away"))
	for name, c := range map[string]struct {
		err  error
		want failure.Class
	}{
		"a serialization failure":         {&pgconn.PgError{Code: "40001"}, failure.Transient},
		"a deadlock":                      {&pgconn.PgError{Code: "40P01"}, failure.Transient},
		"a lock that was waited for":      {&pgconn.PgError{Code: "55P03"}, failure.Transient},
		"a statement out of time":         {&pgconn.PgError{Code: "57014"}, failure.Transient},
		"a server that shuts down":        {fmt.Errorf("append: %w", &pgconn.PgError{Code: "57P01"}), failure.Transient},
		"a table that is missing":         {&pgconn.PgError{Code: "42P01"}, failure.Transient},
		"a broken connection":             {io.ErrUnexpectedEOF, failure.Transient},
		"a timeout":                       {context.DeadlineExceeded, failure.Transient},
		"what is marked":                  {fmt.Errorf("ask: %w", away), failure.Transient},
		"what is marked, with its cause":  {fmt.Errorf("%w: %w", away, errors.New("status 503")), failure.Transient},
		"what cannot be read":             {failure.As(failure.Permanent, errors.New("no JSON")), failure.Permanent},
		"a refusal":                       {fmt.Errorf("handle: %w", es.Refuse(es.Conflict, "never")), failure.Permanent},
		"a value that breaks a rule":      {&pgconn.PgError{Code: "23514"}, failure.Bug},
		"a statement that makes no sense": {&pgconn.PgError{Code: "42601"}, failure.Bug},
		"what nobody has foreseen":        {errors.New("surprise"), failure.Bug},
		"a panic":                         {panicking("x"), failure.Bug},
		"a panic with a transient error":  {fmt.Errorf("%w: %w", away, panicking(1)), failure.Bug},
	} {
		if got := failure.Of(c.err); got != c.want {
			t.Errorf("%s is %s, want %s", name, got, c.want)
		}
	}
	if !errors.Is(fmt.Errorf("ask: %w", away), away) {
		t.Error("what is marked is not itself")
	}
}

func TestAPanicTellsWhereItWasAndNotItsValue(t *testing.T) {
	t.Parallel()
	err := panicking("ada@example.com")
	if err.Error() != "panic: a string" || !strings.Contains(failure.Stack(fmt.Errorf("handle: %w", err)), "failure_test.panicking") {
		t.Errorf("%v, %s", err, failure.Stack(err))
	}
	var none []int
	err = func() (err error) {
		defer failure.Recovered(&err)
		_ = none[len(none)]
		return nil
	}()
	if err.Error() != "panic: runtime error: index out of range [0] with length 0" {
		t.Error(err)
	}
	if got := failure.Stack(io.EOF); got != "" {
		t.Errorf("an error has the stack %q", got)
	}
}

var retry = failure.Retry{
	Transient: failure.Cooldowns{50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond},
	Bug:       failure.Cooldowns{time.Second, 2 * time.Second},
}

// failing fails as often as there are errors.
func failing(errs ...error) (try func() error, at *[]time.Time) {
	at = &[]time.Time{}
	return func() error {
		*at = append(*at, time.Now())
		if n := len(*at); n <= len(errs) {
			return errs[n-1]
		}
		return nil
	}, at
}

func TestFailuresAreTriedAgainByTheirClass(t *testing.T) {
	t.Parallel()
	away, bug, never := failure.As(failure.Transient, errors.New("away")), errors.New("bug"), es.Refuse(es.Invalid, "never")
	for name, c := range map[string]struct {
		fails []error
		tries int
		err   error
		least time.Duration // all pauses together at their shortest
	}{
		"a success":                     {nil, 1, nil, 0},
		"a bug that goes away":          {[]error{bug, bug}, 3, nil, 1500 * time.Millisecond},
		"a bug that stays":              {[]error{bug, bug, bug, bug}, 3, bug, 1500 * time.Millisecond},
		"what never succeeds":           {[]error{never}, 1, never, 0},
		"an outage of many tries":       {[]error{away, away, away, away, away, away, away, away}, 9, nil, (50 + 100 + 6*250) * time.Millisecond / 2},
		"an outage among bugs":          {[]error{bug, away, bug, away, away}, 6, nil, (1000 + 2000 + 50 + 100 + 250) * time.Millisecond / 2},
		"an outage, then what is never": {[]error{away, never}, 2, never, 25 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			try, at := failing(c.fails...)
			began := time.Now()
			tries, err := retry.Do(t.Context(), try)
			if tries != c.tries || len(*at) != c.tries || !errors.Is(err, c.err) {
				t.Errorf("%s: %d tries, %v", name, tries, err)
			}
			if took := time.Since(began); took < c.least || took > 2*c.least {
				t.Errorf("%s took %v, want between %v and twice that", name, took, c.least)
			}
		})
	}
}

func TestWithoutAPauseNothingIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, fails := range []error{failure.As(failure.Transient, errors.New("away")), errors.New("bug")} {
		try, _ := failing(fails, fails)
		if tries, err := (failure.Retry{}).Do(t.Context(), try); tries != 1 || !errors.Is(err, fails) {
			t.Errorf("%d tries, %v", tries, err)
		}
	}
}

func TestAnEndedContextEndsTheTries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away := failure.As(failure.Transient, errors.New("away"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := retry.Do(ctx, func() error { return away })
		if !errors.Is(err, away) || ctx.Err() == nil {
			t.Errorf("%v", err)
		}
	})
}

// What failed together is not tried together.
func TestCooldownsAreSpread(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	for range 50 {
		pause := retry.Bug.After(9)
		if pause < time.Second || pause > 2*time.Second {
			t.Fatalf("%v is not between half and the whole of the last", pause)
		}
		seen[pause] = true
	}
	if len(seen) < 10 {
		t.Errorf("only %d different ones", len(seen))
	}
}

func TestCooldownsAreChecked(t *testing.T) {
	t.Parallel()
	for _, wrong := range []failure.Cooldowns{nil, {}, {0}, {time.Second, -1}, {2 * time.Hour}} {
		if wrong.Check() == nil {
			t.Errorf("%v pass", wrong)
		}
	}
	if err := retry.Transient.Check(); err != nil {
		t.Error(err)
	}
}
