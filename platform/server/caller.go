package server

import (
	"context"
	"time"

	"waybill.dev/platform/clock"
)

// Caller is who sent the HTTP request, and when.
type Caller struct {
	// Tenant is from X-Tenant-ID, and "default" without it.
	Tenant string
	// CorrelationID is from X-Correlation-ID, and made where it is missing.
	CorrelationID string
	// RequestID is the request's own id, a UUIDv7: the cause of what it brings about.
	RequestID string
	// At is when the request arrived.
	At time.Time
}

// exchange is what the middleware knows of the request at hand.
type exchange struct {
	Caller
	scope *scope

	method     string
	path       string
	body       []byte
	bodySHA256 [32]byte
}

type exchangeKey struct{}

func exchangeFrom(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{Caller: Caller{Tenant: DefaultTenant, At: clock.Now().UTC()}, scope: &scope{}}
}

// CallerFrom is the caller of the HTTP request that the context belongs to.
func CallerFrom(ctx context.Context) Caller { return exchangeFrom(ctx).Caller }

// RawBody is the body of the request as it was sent, for a signature over it. It must not be changed.
func RawBody(ctx context.Context) []byte { return exchangeFrom(ctx).body }

// DefaultTenant is the tenant of a request that names none.
const DefaultTenant = "default"
