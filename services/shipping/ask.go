package shipping

import (
	"context"
	"errors"
	"fmt"

	"waybill.dev/platform/es"
	"waybill.dev/platform/outside"
	"waybill.dev/platform/server"
	"waybill.dev/services/shipping/carrier"
	"waybill.dev/services/shipping/shipment"
)

// workers do the jobs of asking the carrier, and record its answers. Without a definite answer a job fails, and is
// done again under the same key.
func workers(w *server.Workers, system *outside.System, c carrier.Carrier) {
	server.WorkOutside(w, system, func(ctx context.Context, app *server.App, job server.JobOf[shipment.BookJob]) error {
		return ask(ctx, app, job.Job, job.Args.Job, job.Args.Attempt(), shipment.RefuseBooking,
			func(s shipment.Shipment) (shipment.Report, error) {
				return c.Book(ctx, job.Args.Key, carrier.Parcel{
					Reference: job.Tenant + "/" + job.Args.Order, Address: s.Address, Lines: s.Lines,
				})
			})
	})
	server.WorkOutside(w, system, func(ctx context.Context, app *server.App, job server.JobOf[shipment.CancelJob]) error {
		return ask(ctx, app, job.Job, job.Args.Job, job.Args.Attempt(), shipment.RefuseCancel,
			func(s shipment.Shipment) (shipment.Report, error) {
				return c.Cancel(ctx, job.Args.Key, s.Booking.ID)
			})
	})
}

func ask(ctx context.Context, app *server.App, job server.Job, args shipment.Job, attempt shipment.Attempt,
	refuse func(tenant, order string, number int, code string) es.Command,
	call func(shipment.Shipment) (shipment.Report, error)) error {
	id := shipment.Category.Stream(job.Tenant, args.Order)
	states, err := app.Log.Load(ctx, id)
	if err != nil {
		return fmt.Errorf("load shipment: %w", err)
	}
	s := shipment.Category.State(states, id)
	if !s.IsAsking(attempt) {
		return nil // answered: by a webhook, or by an attempt that was taken for dead
	}
	report, err := call(s)
	var refused *carrier.RefusedError
	switch {
	case errors.As(err, &refused):
		return app.Record(ctx, job, refuse(id.Tenant, id.ID, args.Number, refused.Code))
	case errors.Is(err, outside.ErrRejected):
		app.Logger.ErrorContext(ctx, "the carrier does not take our request: check its address, our access and our version",
			"operation", attempt.Operation, "key", args.Key, "error", err)
		return err
	case err != nil:
		return err
	}
	err = app.Record(ctx, job, shipment.Take(id.Tenant, id.ID, report))
	var contradiction *es.Refusal
	if !errors.As(err, &contradiction) {
		return err
	}
	// Asked again, the carrier would say the same.
	if err := park(ctx, app, id.Tenant, id.ID, report, "job:"+args.Key, contradiction); err != nil {
		return err
	}
	if attempt.Operation == shipment.Cancel {
		return app.Record(ctx, job, shipment.RefuseCancel(id.Tenant, id.ID, args.Number, codeContradiction))
	}
	return nil
}

// codeContradiction is what a cancellation is refused with where the carrier's answer cannot be about this shipment.
const codeContradiction = "contradiction"
