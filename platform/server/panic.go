package server

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// withoutPanic turns a panic into an error.
func withoutPanic(ctx context.Context, do func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicError(p)
		}
	}()
	return do(ctx)
}

// panicError tells where the panic came from. Its value may hold anything, an address too, so that only the
// runtime's own is told.
func panicError(p any) error {
	what := fmt.Sprintf("a %T", p)
	if own, ok := p.(runtime.Error); ok {
		what = own.Error()
	}
	return fmt.Errorf("panic: %s\n%s", what, debug.Stack())
}
