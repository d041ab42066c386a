package sim

import (
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/orders"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping"
	"waybill.dev/services/shipping/shipment"
)

// part is a service's part of the saga, as its table of contents has it.
type part struct {
	name       string
	categories []es.Erased
	react      func(contracts.Message, time.Time) es.Command
	publish    func(es.Recorded) []contracts.Event
	// stream is the order's stream.
	stream func(tenant, order string) es.StreamID
	// class is that of the order's state.
	class   func(es.States, es.StreamID) string
	classes []string
	// hears says of each topic whether the service hears it.
	hears []bool
	// told are the answers and wishes that it is told besides.
	told []string
}

// The services, by their place.
const (
	ordersPart = iota
	paymentsPart
	inventoryPart
	shippingPart
	notificationsPart
	servicesCount
)

func (s *Simulation) parts() []*part {
	hears := func(events []contracts.Event) []bool {
		heard := make([]bool, len(s.topics))
		for _, e := range events {
			heard[s.topic[e.Type()]] = true
		}
		return heard
	}
	return []*part{
		ordersPart: {
			name: "orders", categories: []es.Erased{order.Category}, react: order.React, publish: orders.Publish,
			stream: order.Category.Stream, hears: hears(order.Hears()), classes: texts(order.Classes()),
			class: func(states es.States, id es.StreamID) string { return string(order.Category.State(states, id).Class()) },
			told:  []string{"place", "cancel", "expire", "resolve"},
		},
		paymentsPart: {
			name: "payments", categories: []es.Erased{payment.Category}, react: payment.React(settings), publish: payments.Publish,
			stream: payment.Category.Stream, hears: hears(payment.Hears()), classes: texts(payment.Classes()),
			class: func(states es.States, id es.StreamID) string {
				return string(payment.Category.State(states, id).Class())
			},
			told: []string{
				"authorize done", "authorize refused", "capture done", "capture refused", "capture expired", "void done", "void refused",
				"void expired", "refund done", "refund refused", "retry",
			},
		},
		inventoryPart: {
			name: "inventory", categories: stock.Categories(), react: stock.React, publish: inventory.Publish,
			stream: stock.Reservations.Stream, hears: hears(stock.Hears()), classes: texts(stock.Classes()),
			class: func(states es.States, id es.StreamID) string {
				return string(stock.Reservations.State(states, id).Class())
			},
		},
		shippingPart: {
			name: "shipping", categories: []es.Erased{shipment.Category}, react: shipment.React, publish: shipping.Publish,
			stream: shipment.Category.Stream, hears: hears(shipment.Hears()), classes: texts(shipment.Classes()),
			class: func(states es.States, id es.StreamID) string {
				return string(shipment.Category.State(states, id).Class())
			},
			told: []string{"booked", "book refused", "cancelled", "cancel refused", "picked_up", "delivered", "retry"},
		},
		notificationsPart: {
			name: "notifications", categories: []es.Erased{mail.Streams}, react: mail.React,
			publish: func(es.Recorded) []contracts.Event { return nil },
			stream:  mail.Streams.Stream, hears: hears(mail.Hears()), classes: texts(mail.Classes()),
			class: func(states es.States, id es.StreamID) string { return string(mail.Streams.State(states, id).Class()) },
			told:  []string{"mail taken", "mail refused"},
		},
	}
}

func texts[S ~string](list []S) []string {
	plain := make([]string, len(list))
	for i, s := range list {
		plain[i] = string(s)
	}
	return plain
}
