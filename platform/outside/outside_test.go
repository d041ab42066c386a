package outside_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"waybill.dev/platform/outside"
)

var errSilent = fmt.Errorf("%w: nobody there", outside.ErrUnknown)

func TestSilenceIsAskedAgain(t *testing.T) {
	t.Parallel()
	asked := 0
	answer, err := outside.Ask(t.Context(), outside.NewSystem("system"), func() (string, error) {
		if asked++; asked < 3 {
			return "", errSilent
		}
		return "done", nil
	})
	if answer != "done" || err != nil || asked != 3 {
		t.Fatalf("%q, %v after %d calls", answer, err, asked)
	}
}

func TestDefiniteAnswerIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	asked, rejected := 0, errors.New("rejected")
	_, err := outside.Ask(t.Context(), outside.NewSystem("system"), func() (string, error) {
		asked++
		return "", rejected
	})
	if !errors.Is(err, rejected) || errors.Is(err, outside.ErrUnknown) || asked != 1 {
		t.Fatalf("%v after %d calls", err, asked)
	}
}

// Five silent calls in a row open the breaker, a moment later one is let through, and its answer closes it.
func TestTheLifeOfABreaker(t *testing.T) {
	t.Parallel()
	system := outside.NewSystem("provider")
	asked, answers := 0, false
	ask := func() error {
		_, err := outside.Ask(t.Context(), system, func() (string, error) {
			if asked++; answers {
				return "done", nil
			}
			return "", errSilent
		})
		return err
	}
	for asked < 5 {
		if system.State() != outside.Closed {
			t.Fatalf("the breaker is %s after %d calls", system.State(), asked)
		}
		var notAsked *outside.NotAskedError
		if err := ask(); !errors.Is(err, outside.ErrUnknown) || errors.As(err, &notAsked) {
			t.Fatalf("of a call that was made: %v", err)
		}
	}
	if asked != 5 || system.State() != outside.Open {
		t.Fatalf("the breaker is %s after %d calls", system.State(), asked)
	}
	leftAlone := func() *outside.NotAskedError {
		t.Helper()
		before := asked
		var notAsked *outside.NotAskedError
		if err := ask(); !errors.Is(err, outside.ErrUnknown) || !errors.As(err, &notAsked) || asked != before {
			t.Fatalf("an open breaker let a call through: %v", err)
		}
		return notAsked
	}
	// A silent trial opens it anew; one that is answered closes it.
	for _, answers = range []bool{false, true} {
		wait := leftAlone()
		if wait.System != "provider" || wait.After <= 0 || wait.After > 3*time.Second {
			t.Errorf("%+v", wait)
		}
		before := asked
		for end := time.Now().Add(10 * time.Second); asked == before; time.Sleep(10 * time.Millisecond) {
			if _ = ask(); time.Now().After(end) {
				t.Fatal("no trial is let through")
			}
		}
		if want := map[bool]outside.State{false: outside.Open, true: outside.Closed}[answers]; system.State() != want || asked != before+1 {
			t.Errorf("after %d trials the breaker is %s, want %s", asked-before, system.State(), want)
		}
	}
}

// Who answers now and then is there.
func TestAnAnswerStartsTheCountAnew(t *testing.T) {
	t.Parallel()
	system := outside.NewSystem("system")
	asked := 0
	for range 10 {
		_, _ = outside.Ask(t.Context(), system, func() (string, error) {
			if asked++; asked%5 == 0 {
				return "done", nil
			}
			return "", errSilent
		})
	}
	if system.State() != outside.Closed {
		t.Errorf("the breaker is %s", system.State())
	}
}

func TestRefusalsKeepTheBreakerClosed(t *testing.T) {
	t.Parallel()
	system := outside.NewSystem("system")
	for range 50 {
		_, _ = outside.Ask(t.Context(), system, func() (string, error) { return "", errors.New("rejected") })
	}
	if system.State() != outside.Closed {
		t.Fatal("who refuses is there")
	}
}

// A call that panics while the breaker is half open is over as well: the next is let through.
func TestAPanicDoesNotKeepTheBreakerHalfOpen(t *testing.T) {
	t.Parallel()
	system := outside.NewSystem("system")
	for system.State() == outside.Closed {
		_, _ = outside.Ask(t.Context(), system, func() (string, error) { return "", errSilent })
	}
	panicked := false
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err := outside.Ask(t.Context(), system, func() (string, error) {
			if !panicked {
				panicked = true
				panic("tok_secret")
			}
			return "done", nil
		})
		if panicked && err == nil {
			break
		}
		if err == nil || strings.Contains(err.Error(), "tok_secret") || time.Now().After(end) {
			t.Fatalf("panicked %v: %v", panicked, err)
		}
	}
	if system.State() != outside.Closed {
		t.Error(system.State())
	}
}

func TestEndedContextIsUnknown(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := outside.Ask(ctx, outside.NewSystem("system"), func() (string, error) { return "", ctx.Err() }); !errors.Is(err, outside.ErrUnknown) {
		t.Fatal(err)
	}
}
