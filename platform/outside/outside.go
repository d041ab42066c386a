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

// CallTimeout bounds one call.
const CallTimeout = 5 * time.Second

// System is one such system, as one process knows it. A call that ends in ErrUnknown is repeated a few times within a
// second; the durable job behind it goes on after that. When half of the calls of the last seconds ended so, the
// breaker opens, and the system is left alone for a moment.
type System[R any] struct {
	breaker circuitbreaker.CircuitBreaker[R]
	policy  failsafe.Executor[R]
}

// NewSystem is a system whose breaker is closed.
func NewSystem[R any]() *System[R] {
	// Only silence opens it: who refuses is there.
	breaker := circuitbreaker.NewBuilder[R]().
		HandleErrors(ErrUnknown).
		WithFailureRateThreshold(0.5, 20, 10*time.Second).
		WithSuccessThreshold(1).
		WithDelay(2 * time.Second).
		Build()
	retry := retrypolicy.NewBuilder[R]().
		HandleErrors(ErrUnknown).
		WithMaxAttempts(3).
		WithMaxDuration(time.Second).
		WithBackoff(100*time.Millisecond, 400*time.Millisecond).
		WithJitterFactor(0.2).
		ReturnLastFailure().
		Build()
	return &System[R]{breaker: breaker, policy: failsafe.With(retry, breaker)}
}

// Open says whether the system has been silent so often that it is not asked for a while.
func (s *System[R]) Open() bool { return s.breaker.IsOpen() }

// Ask calls ask, again where its error is ErrUnknown. An open breaker and an ended context are ErrUnknown too.
func (s *System[R]) Ask(ctx context.Context, ask func() (R, error)) (R, error) {
	answer, err := s.policy.WithContext(ctx).Get(ask)
	if errors.Is(err, circuitbreaker.ErrOpen) || err != nil && ctx.Err() != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return answer, err
}
