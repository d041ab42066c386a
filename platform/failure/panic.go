package failure

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
)

// Panic is the error of code that has panicked. The value may hold anything, an address too, so that only the
// runtime's own is told.
type Panic struct {
	what string
	// Stack is where it came from.
	Stack string
}

func (p *Panic) Error() string { return "panic: " + p.what }

// Recovered makes an error of a panic. It is to be deferred as such: defer failure.Recovered(&err).
func Recovered(err *error) {
	if v := recover(); v != nil {
		*err = FromPanic(v)
	}
}

// FromPanic is the error of what recover has given, called where it was given.
func FromPanic(v any) *Panic {
	what := fmt.Sprintf("a %T", v)
	if own, ok := v.(runtime.Error); ok {
		what = own.Error()
	}
	return &Panic{what: what, Stack: string(debug.Stack())}
}

// Stack is where a panic came from, and "" for any other error.
func Stack(err error) string {
	var panicked *Panic
	if errors.As(err, &panicked) {
		return panicked.Stack
	}
	return ""
}
