package world

import (
	"context"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/platform/es"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

// verb has the orders service do what somebody asks for.
func (w *walk) verb(v order.Verb) error {
	return w.run(suite.Orders, order.On(w.tenant, w.id, v), newMeta(), now())
}

// settle lets everything happen that is due by itself.
func settle(ctx context.Context, w *walk) error { return w.settle(ctx) }

func cancel(ctx context.Context, w *walk) error {
	err := w.verb(order.Cancel{RequestedBy: order.ByCustomer, Reason: "ordered twice by mistake", At: now()})
	if err != nil {
		return err
	}
	return w.settle(ctx)
}

func resolve(ctx context.Context, w *walk) error {
	err := w.verb(order.Resolve{Outcome: order.OutcomeCancelled, ResolvedBy: "night shift", Reason: "refunded by bank transfer"})
	if err != nil {
		return err
	}
	return w.settle(ctx)
}

// expire has the deadline judged that the order waits under, as once it has passed.
func expire(ctx context.Context, w *walk) error {
	waits, _ := w.order().Expects()
	if err := w.verb(order.Expire{Step: waits.Step, Read: waits.Due, At: now()}); err != nil {
		return err
	}
	return w.settle(ctx)
}

func pickUpUnheard(ctx context.Context, w *walk) error { return w.moveParcel(ctx, "pick-up") }

func pickUp(ctx context.Context, w *walk) error {
	if err := pickUpUnheard(ctx, w); err != nil {
		return err
	}
	return w.hearCarrier(ctx, "picked_up")
}

func deliver(ctx context.Context, w *walk) error {
	if err := w.moveParcel(ctx, "deliver"); err != nil {
		return err
	}
	return w.hearCarrier(ctx, "delivered")
}

func (w *walk) moveParcel(ctx context.Context, what string) error {
	return w.outside.tell(ctx, suite.Carrier, "/v1/bookings/"+w.parcel().Booking.ID+"/"+what)
}

// hearCarrier takes what the carrier says of the parcel, as from its webhook.
func (w *walk) hearCarrier(ctx context.Context, state string) error {
	booking := w.parcel().Booking.ID
	report, err := w.outside.carrier.Find(ctx, booking)
	if err != nil {
		return err
	}
	webhook := "webhook:msg_" + booking + "_" + state
	w.heard = append(w.heard, heard{suite.Shipping, webhook})
	meta := newMeta()
	meta.CausationID = webhook
	if err := w.run(suite.Shipping, shipment.Take(w.tenant, w.id, report), meta, now()); err != nil {
		return err
	}
	return w.settle(ctx)
}

func allowPayment(ctx context.Context, w *walk) error {
	return w.outside.tell(ctx, suite.Provider, "/v1/payments/"+w.tenant+"/"+w.id+"/allow")
}

func allowCancellation(ctx context.Context, w *walk) error {
	return w.outside.tell(ctx, suite.Carrier, "/v1/bookings/"+w.parcel().Booking.ID+"/allow")
}

func retryPayment(ctx context.Context, w *walk) error {
	id := payment.Category.Stream(w.tenant, w.id)
	if err := w.run(suite.Payments, payment.Retry(id, "night shift", now()), newMeta(), now()); err != nil {
		return err
	}
	return w.settle(ctx)
}

func retryShipment(ctx context.Context, w *walk) error {
	if err := w.run(suite.Shipping, shipment.Retry(w.tenant, w.id), newMeta(), now()); err != nil {
		return err
	}
	return w.settle(ctx)
}

func (w *walk) order() order.Order {
	return order.Category.State(w.states[suite.Orders], w.stream(order.Category.Name))
}

func (w *walk) parcel() shipment.Shipment { return w.shipment(w.tenant, w.id) }

func (w *walk) stream(category string) es.StreamID {
	return es.StreamID{Tenant: w.tenant, Category: category, ID: w.id}
}
