package shipping

import (
	"context"
	"encoding/json"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/messaging"
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
		Command: shipment.Take(tenant, order, r), Tenant: tenant, At: clock.Now().UTC(), Message: message,
		Meta: es.Meta{CorrelationID: last.CorrelationID, CausationID: cause, TraceParent: last.TraceParent},
	})
	return err
}

// answersParkedFrom is where parked answers say that they came from.
const answersParkedFrom = "carrier-answers"

// park keeps a report that cannot be taken for a person to look at: it contradicts what is known of the shipment.
// cause names what brought the report; parked again, it is the same.
func park(ctx context.Context, app *server.App, tenant, order string, r shipment.Report, cause string, why *es.Refusal) error {
	app.Logger.WarnContext(ctx, "what the carrier says of a parcel is parked", "tenant", tenant, "order", order,
		"cause", cause, "error", why.Detail)
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return messaging.Park(ctx, app.Pool, messaging.Parking{
		Topic: answersParkedFrom, Value: value, Tenant: tenant, Subject: order, MessageID: cause,
		EventType: "parcel." + string(r.State), Reason: why.Detail, Tries: 1,
	})
}

// retake takes a parked report once more.
func retake(ctx context.Context, app *server.App, parked messaging.Whole) error {
	var r shipment.Report
	if err := json.Unmarshal(parked.Value, &r); err != nil {
		return err
	}
	return take(ctx, app, parked.Tenant, parked.Subject, r, parked.MessageID, "")
}
