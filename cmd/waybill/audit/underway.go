package audit

import (
	"fmt"
	"slices"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/shipping/shipment"
	"waybill.dev/simulators/carrier"
)

// underWay names what is under way: messages and jobs, and what the facts say is awaited.
func (a *account) underWay() []string {
	var under []string
	add := func(format string, args ...any) { under = append(under, fmt.Sprintf(format, args...)) }
	if n := len(a.Unsent); n > 0 {
		add("%d messages have not been sent", n)
	}
	if asked, pending := a.payment.Pending(); pending {
		add("the provider has not answered %s", asked.Key)
	}
	if asking := a.shipment.Asking; asking != (shipment.Attempt{}) {
		add("the carrier has not answered %s/%d", asking.Operation, asking.Number)
	}
	for _, p := range a.Parcels {
		if a.shipment.IsOpen() && p.ID == a.shipment.Booking.ID && ahead(a.shipment, p.Status) {
			add("shipping has not heard that the parcel is %s", p.Status)
		}
	}
	for _, m := range a.mails.Mails {
		if m.Status == mail.Sending {
			add("the mail %s is being sent", m.Kind)
		}
	}
	a.addUnread(add)
	if e, waits := a.order.Expects(); waits && e.Due.After(a.At) {
		add("the %s is awaited until %s", e.Step, e.Due.UTC().Format(time.RFC3339))
	}
	return under
}

// addUnread names the messages that a service has not noted, and may yet.
func (a *account) addUnread(add func(format string, args ...any)) {
	for _, c := range a.Said {
		if c.Later && !slices.ContainsFunc(a.due, func(m contracts.Message) bool { return m.ID == c.ID }) {
			add("more is said on %s", c.Topic)
		}
	}
	if len(a.Unread) == 0 {
		return
	}
	states := a.states()
	for _, u := range a.Unread {
		i := slices.IndexFunc(a.due, func(m contracts.Message) bool { return m.ID == u.ID })
		if i < 0 {
			continue
		}
		for _, l := range listeners() {
			if m := a.due[i]; l.service == u.Service && l.hears(m.Data) && l.wouldNote(m, states) {
				add("%s has not heard %s: %s", u.Service, m.Data.Type(), u.Why)
			}
		}
	}
}

// ahead says that the carrier has told more of a parcel than shipping knows.
func ahead(s shipment.Shipment, at carrier.Status) bool {
	switch at {
	case carrier.PickedUp:
		return !s.IsShipped()
	case carrier.Delivered:
		return !s.IsDelivered()
	case carrier.Cancelled:
		return !s.Cancelled
	case carrier.Booked:
	}
	return false
}
