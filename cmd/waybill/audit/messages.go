package audit

import (
	"slices"
	"strconv"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

// checkSaid: what was due is on Kafka, said by whom it was due from, in order within its topic; and nothing else is.
func (a *account) checkSaid() {
	said := make(map[string]Copy, len(a.Said))
	last := map[string]Copy{} // by topic
	for _, c := range a.Said {
		if before, ok := last[c.Topic]; ok && c.Sequence < before.Sequence {
			a.find(AllSaid, "on %s %s (version %d) stands behind %s (version %d)", c.Topic, c.ID, c.Sequence, before.ID, before.Sequence)
		}
		last[c.Topic], said[c.ID] = c, c
	}
	due := make(map[string]bool, len(a.due))
	for _, m := range a.due {
		due[m.ID] = true
		topic := m.Data.Type().Topic()
		c, ok := said[m.ID]
		switch {
		case !ok && !slices.Contains(a.Unsent, m.ID) && !a.gaveUp("", m) && (a.Forgotten == nil || !a.Forgotten(m)):
			a.find(AllSaid, "%s was due on %s, and is not there", m.ID, topic)
		case ok && (c.Topic != topic || c.Source != m.Source || c.Sequence != m.Sequence):
			a.find(AllSaid, "%s was due on %s from %s as version %d, and is on %s from %s as version %d",
				m.ID, topic, m.Source, m.Sequence, c.Topic, c.Source, c.Sequence)
		}
	}
	for _, c := range a.Said {
		if !due[c.ID] && !c.Later {
			a.find(AllSaid, "%s from %s is on %s, and was never due", c.ID, c.Source, c.Topic)
		}
	}
}

// checkEffects: nothing happened twice. Only what a person's retry or a new deadline brings about may come again.
func (a *account) checkEffects() {
	for _, facts := range [][]es.Recorded{a.Orders, a.Payment, a.Reservation, a.Shipment, a.Mails} {
		seen := make(map[string]bool, len(facts))
		for _, f := range facts {
			effect := f.Event.Kind()
			switch e := f.Event.(type) {
			case order.PaymentAttentionRequired, order.ShipmentAttentionRequired, order.DeadlineMissed,
				payment.Refused, payment.RetryRequested, shipment.RetryRequested:
				continue
			case shipment.CarrierRefusedCancel:
				effect += " " + strconv.Itoa(e.Number)
			case payment.Attempted:
				effect += " " + e.Key
			case payment.WayBackHeard:
				effect += " " + string(e.Cause)
			case shipment.Attempted:
				effect += " " + e.Key
			case mail.Due:
				effect += " " + string(e.Mail)
			case mail.Sent:
				effect = "mail.settled " + string(e.Mail)
			case mail.Refused:
				effect = "mail.settled " + string(e.Mail)
			}
			if seen[effect] {
				a.find(AllSaid, "%s happened twice", effect)
			}
			seen[effect] = true
		}
	}
}

// checkHeard: whoever hears what was said knows of it: told once more, nobody has anything new to note.
func (a *account) checkHeard() {
	if !a.atRest() {
		return
	}
	states := a.states()
	for _, m := range a.due {
		for _, l := range listeners() {
			if l.hears(m.Data) && !forgets(l.service, m.Data) && !a.gaveUp(l.service, m) && l.wouldNote(m, states) {
				a.find(AllSaid, "%s has not heard %s", l.service, m.Data.Type())
			}
		}
	}
}

// gaveUp says that a person has discarded the message for the service: where it would be heard, or where it was to be
// said.
func (a *account) gaveUp(service string, m contracts.Message) bool {
	return slices.ContainsFunc(a.GivenUp, func(u Unread) bool {
		return u.ID == m.ID && (u.Service == service || "/waybill/"+u.Service == m.Source)
	})
}

// forgets says that the service keeps the latest word of this kind only, so that an earlier one is news to it.
func forgets(service string, e contracts.Event) bool {
	attention := e.Type() == contracts.PaymentAttentionRequired{}.Type() || e.Type() == contracts.ShipmentAttentionRequired{}.Type()
	return attention && service == "orders"
}
