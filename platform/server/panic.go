package server

import (
	"context"

	"waybill.dev/platform/failure"
)

// withoutPanic turns a panic into an error.
func withoutPanic(ctx context.Context, do func(context.Context) error) (err error) {
	defer failure.Recovered(&err)
	return do(ctx)
}
