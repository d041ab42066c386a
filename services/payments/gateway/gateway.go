// Package gateway asks the payment provider for operations.
package gateway

import (
	"context"

	"waybill.dev/contracts"
	"waybill.dev/services/payments/payment"
)

// Gateway is a payment provider. It does an operation once for its key, and gives the same answer ever after.
type Gateway interface {
	// Do returns the provider's definite answer: done, or refused for good with a code. An error says that there
	// is none yet, and that the same is to be asked again under the same key. It is outside.ErrUnknown or
	// outside.ErrRejected; neither means that nothing was done.
	Do(ctx context.Context, r Request) (payment.Outcome, error)
}

// Request is an operation that is asked for.
type Request struct {
	Operation payment.Operation
	// Key is the idempotency key.
	Key string
	// Reference is our name of the payment at the provider, "{tenant}/{order}".
	Reference string
	// Payment is the provider's own name of it; empty for Authorize.
	Payment string
	// Amount is what to hold, take or give back; Void needs none.
	Amount contracts.Money
	// Token is for Authorize only.
	Token payment.Token
}
