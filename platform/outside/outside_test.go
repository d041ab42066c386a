package outside_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"waybill.dev/platform/outside"
)

var errSilent = fmt.Errorf("%w: nobody there", outside.ErrUnknown)

func TestSilenceIsAskedAgain(t *testing.T) {
	t.Parallel()
	asked := 0
	answer, err := outside.NewSystem[string]().Ask(t.Context(), func() (string, error) {
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
	_, err := outside.NewSystem[string]().Ask(t.Context(), func() (string, error) {
		asked++
		return "", rejected
	})
	if !errors.Is(err, rejected) || errors.Is(err, outside.ErrUnknown) || asked != 1 {
		t.Fatalf("%v after %d calls", err, asked)
	}
}

func TestSilenceOpensTheBreaker(t *testing.T) {
	t.Parallel()
	system := outside.NewSystem[string]()
	asked := 0
	for range 30 {
		_, err := system.Ask(t.Context(), func() (string, error) {
			asked++
			return "", errSilent
		})
		if !errors.Is(err, outside.ErrUnknown) {
			t.Fatal(err)
		}
		if system.Open() {
			break
		}
	}
	if !system.Open() {
		t.Fatalf("the breaker is closed after %d silent calls", asked)
	}
	before := asked
	if _, err := system.Ask(t.Context(), func() (string, error) { asked++; return "", nil }); !errors.Is(err, outside.ErrUnknown) || asked != before {
		t.Fatalf("an open breaker let a call through: %v", err)
	}
}

func TestRefusalsKeepTheBreakerClosed(t *testing.T) {
	t.Parallel()
	system := outside.NewSystem[string]()
	for range 50 {
		_, _ = system.Ask(t.Context(), func() (string, error) { return "", errors.New("rejected") })
	}
	if system.Open() {
		t.Fatal("who refuses is there")
	}
}

func TestEndedContextIsUnknown(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := outside.NewSystem[string]().Ask(ctx, func() (string, error) { return "", ctx.Err() }); !errors.Is(err, outside.ErrUnknown) {
		t.Fatal(err)
	}
}
