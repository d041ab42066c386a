// Package outside asks systems that are not ours, which may be slow, silent or away.
package outside

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"waybill.dev/platform/failure"
)

// ErrUnknown says that there is no definite answer: the other side was silent, or said that it cannot answer now.
// What was asked may have been done. It is never read as a no or a yes: the same is asked again under the same key.
var ErrUnknown = failure.As(failure.Transient, errors.New("the answer is not known"))

// NotAskedError says that the system was not asked, because it has been silent so often that it is left alone for a
// while. It is ErrUnknown too.
type NotAskedError struct {
	// System is its name.
	System string
	// After is when it makes sense to ask again.
	After time.Duration
}

func (e *NotAskedError) Error() string { return e.System + " is not asked now: it has been silent" }

// Unwrap is ErrUnknown.
func (e *NotAskedError) Unwrap() error { return ErrUnknown }

const (
	// CallTimeout bounds one call, from the dialling to the end of the answer. What takes longer is silence.
	CallTimeout = 5 * time.Second
	// silent calls in a row open the breaker; it stays open for openFor.
	silent  = 5
	openFor = 2 * time.Second
)

// System is one such system, as one process knows it. A call that ends in ErrUnknown is repeated a few times within a
// second; the durable job behind it goes on after that. When five calls in a row ended so, whoever made them, the breaker
// opens, and the system is left alone for a moment. Then one call is let through: its answer closes the breaker, and its
// silence opens it anew.
type System struct {
	name    string
	breaker circuitbreaker.CircuitBreaker[any]
	policy  failsafe.Executor[any]
}

// NewSystem is a system whose breaker is closed. Its name stands in metrics and in /readyz: "provider".
func NewSystem(name string) *System {
	// Only silence opens it: who refuses is there.
	breaker := circuitbreaker.NewBuilder[any]().
		HandleErrors(ErrUnknown).
		WithFailureThreshold(silent).
		WithSuccessThreshold(1).
		WithDelay(openFor).
		Build()
	retry := retrypolicy.NewBuilder[any]().
		HandleErrors(ErrUnknown).
		WithMaxAttempts(3).
		WithMaxDuration(time.Second).
		WithBackoff(100*time.Millisecond, 400*time.Millisecond).
		WithJitterFactor(0.2).
		ReturnLastFailure().
		Build()
	return &System{name: name, breaker: breaker, policy: failsafe.With[any](retry, breaker)}
}

// Name is the system's name.
func (s *System) Name() string { return s.name }

// State is how the breaker stands.
type State string

// The states of a breaker.
const (
	Closed   State = "closed"
	Open     State = "open"
	HalfOpen State = "half-open"
)

// States lists every state.
func States() []State { return []State{Closed, Open, HalfOpen} }

// State is how the breaker stands: it is open, or half open, until a call is answered again.
func (s *System) State() State { return State(s.breaker.State().String()) }

// Allows is how many of so many calls it makes sense to make now: all of them while the breaker is closed; one where it is
// time to see whether the system answers again; none while it is left alone, or that one is under way.
func (s *System) Allows(calls int) int {
	switch s.State() {
	case Closed:
		return calls
	case Open:
		if s.breaker.RemainingDelay() <= 0 { // it is half open with the next call
			return min(calls, 1)
		}
	case HalfOpen:
	}
	return 0
}

// Ask calls ask, again where its error is ErrUnknown. An ended context is ErrUnknown too, and an open breaker a
// *NotAskedError. A panic is returned as an error.
func Ask[R any](ctx context.Context, s *System, ask func() (R, error)) (answer R, err error) {
	var last error // of a call that was made
	err = s.policy.WithContext(ctx).Run(func() (err error) {
		defer func() { last = err }()
		// The breaker lets one call through at a time while it is half open: without an end of that call, none ever more.
		defer failure.Recovered(&err)
		answer, err = ask()
		return err
	})
	switch {
	case errors.Is(err, circuitbreaker.ErrOpen) && last != nil:
		err = last // it opened by this call
	case errors.Is(err, circuitbreaker.ErrOpen):
		err = &NotAskedError{System: s.name, After: s.breaker.RemainingDelay()}
	case err != nil && ctx.Err() != nil && !errors.Is(err, ErrUnknown):
		err = fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return answer, err
}
