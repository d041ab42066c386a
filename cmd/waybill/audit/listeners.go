package audit

import (
	"slices"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

// listener is a service's part of the saga.
type listener struct {
	service string
	heard   []contracts.Event
	react   func(contracts.Message) es.Command
}

func listeners() []listener {
	// The settings count for an order that has not been heard of, and the time for what is noted.
	pay := payment.React(func(string) payment.Settings { return payment.Settings{} })
	later := func(react func(contracts.Message, time.Time) es.Command) func(contracts.Message) es.Command {
		return func(m contracts.Message) es.Command { return react(m, m.Time) }
	}
	return []listener{
		{"orders", order.Hears(), later(order.React)},
		{"payments", payment.Hears(), later(pay)},
		{"inventory", stock.Hears(), later(stock.React)},
		{"shipping", shipment.Hears(), later(shipment.React)},
		{"notifications", mail.Hears(), later(mail.React)},
	}
}

func (l listener) hears(e contracts.Event) bool {
	for _, h := range l.heard {
		if h.Type() == e.Type() {
			return true
		}
	}
	return false
}

// Hearers are the services that hear a topic.
func Hearers(topic string) (services []string) {
	for _, l := range listeners() {
		if slices.ContainsFunc(l.heard, func(e contracts.Event) bool { return e.Type().Topic() == topic }) {
			services = append(services, l.service)
		}
	}
	return services
}

// wouldNote says whether the message, heard now, is news to the service.
func (l listener) wouldNote(m contracts.Message, states es.States) bool {
	d, err := es.Decide(l.react(m), states)
	return err != nil || len(d.Facts)+len(d.Need) > 0
}

// states are the order's streams as the facts have left them.
func (a *account) states() es.States {
	states := es.NewStates()
	resume := func(c es.Erased, state any, facts []es.Recorded) {
		id := es.StreamID{Tenant: a.Tenant, Category: c.CategoryName(), ID: a.Order}
		states.Empty(id, c)
		states.Resume(id, state, int64(len(facts)))
	}
	resume(order.Category, a.order, a.Orders)
	resume(payment.Category, a.payment, a.Payment)
	resume(stock.Reservations, a.reservation, a.Reservation)
	resume(shipment.Category, a.shipment, a.Shipment)
	resume(mail.Streams, a.mails, a.Mails)
	return states
}
