package shipping

import (
	"context"
	"time"

	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/server"
	"waybill.dev/services/shipping/shipment"
)

// take records what the carrier says unasked. The facts stay in the trace and under the correlation of the order,
// which the carrier does not know. The cause names what brought the report; message is claimed in the inbox where
// there is one. Of an order that was never heard of it is a refusal (not-found).
func take(ctx context.Context, app *server.App, tenant, order string, r shipment.Report, cause, message string) error {
	history, err := app.Log.History(ctx, shipment.Category.Stream(tenant, order))
	if err != nil {
		return err
	}
	if len(history) == 0 {
		return es.Refuse(es.NotFound, "there is no shipment for this order")
	}
	last := history[len(history)-1]
	_, err = app.Handle(ctx, eventlog.Request{
		Command: shipment.Take(tenant, order, r), Tenant: tenant, At: time.Now().UTC(), Message: message,
		Meta: es.Meta{CorrelationID: last.CorrelationID, CausationID: cause, TraceParent: last.TraceParent},
	})
	return err
}
