package payments

import (
	"context"
	"errors"
	"fmt"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/outside"
	"waybill.dev/platform/server"
	"waybill.dev/services/payments/gateway"
	"waybill.dev/services/payments/payment"
)

// ask does the job of asking the provider for an operation, and records its answer. Without a definite answer the
// job fails, and is done again under the same key.
func ask(provider gateway.Gateway) func(context.Context, *server.App, server.JobOf[payment.Ask]) error {
	return func(ctx context.Context, app *server.App, job server.JobOf[payment.Ask]) error {
		id := payment.Category.Stream(job.Tenant, job.Args.Order)
		states, err := app.Log.Load(ctx, id)
		if err != nil {
			return fmt.Errorf("load payment: %w", err)
		}
		p := payment.Category.State(states, id)
		if a, ok := p.Pending(); !ok || a.Key != job.Args.Key {
			return nil // its outcome was recorded by an attempt that was taken for dead
		}
		outcome, err := provider.Do(ctx, gateway.Request{
			Operation: job.Args.Operation, Key: job.Args.Key, Reference: id.Tenant + "/" + id.ID,
			Payment: p.Provider, Amount: p.Amount, Token: p.Token,
		})
		if errors.Is(err, outside.ErrRejected) {
			app.Logger.ErrorContext(ctx, "the payment provider does not take our request: check its address, our access and our version",
				"operation", job.Args.Operation, "key", job.Args.Key, "error", err)
		}
		if err != nil {
			return err
		}
		return app.Record(ctx, job.Job, payment.Settle(id, outcome, clock.Now().UTC()))
	}
}
