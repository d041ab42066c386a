package audit

import (
	"slices"
	"strconv"
	"strings"

	"waybill.dev/contracts"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/orders/order"
)

// letter is the mail that is owed for an event: its kind, and what it tells, in words or as a price.
type letter struct {
	kind  mail.Kind
	words [2]string
	price contracts.Money
}

// letterOf is the mail that is owed for an event, and of no kind where none is. It is the audit's own word, not
// notifications'.
func letterOf(e contracts.Event) letter {
	switch e := e.(type) {
	case contracts.OrderPlaced:
		return letter{kind: mail.OrderReceived}
	case contracts.OrderCompleted:
		return letter{kind: mail.OrderCompleted, price: e.Total}
	case contracts.OrderCancelled:
		return letter{kind: mail.OrderCancelled, words: [2]string{e.Reason}}
	case contracts.OrderResolved:
		return letter{kind: mail.OrderResolved, words: [2]string{e.Outcome}}
	case contracts.OrderShipped:
		return letter{kind: mail.OrderShipped, words: [2]string{e.Carrier, e.TrackingNumber}}
	case contracts.ShipmentDelivered:
		return letter{kind: mail.OrderDelivered}
	case contracts.CancellationRefused:
		return letter{kind: mail.CancellationRefused}
	case contracts.PaymentFailed:
		return letter{kind: mail.PaymentFailed, words: [2]string{e.Code}}
	case contracts.PaymentRefunded:
		return letter{kind: mail.PaymentRefunded, price: e.Amount}
	case contracts.OrderCancellationRequested,
		contracts.PaymentAuthorized, contracts.PaymentCaptured, contracts.PaymentVoided, contracts.PaymentAttentionRequired,
		contracts.StockReserved, contracts.StockReservationFailed, contracts.StockReleased,
		contracts.ShippingFailed, contracts.ShipmentCancelled, contracts.ShipmentAttentionRequired:
	}
	return letter{}
}

// is says whether this is the mail that is due.
func (l letter) is(due mail.Due) bool {
	if l.price != (contracts.Money{}) {
		return due.Mail == l.kind && isPrice(due.Detail, l.price)
	}
	return due.Mail == l.kind && due.Detail == strings.TrimSpace(strings.Join(l.words[:], " "))
}

// checkMails: for each event that a customer is told of, the order's end among them, a mail is owed, and none waits for
// an address for ever.
func (a *account) checkMails() {
	end := func(m contracts.Message) bool { return letterOf(m.Data).kind == endMail(a.order) }
	if a.order.Ended() && !slices.ContainsFunc(a.due, end) {
		a.find(AllSaid, "it is %s, and does not say so", a.order.Status())
	}
	if !a.atRest() {
		return
	}
	for _, m := range a.due {
		kind := letterOf(m.Data).kind
		if _, owed := a.mails.Find(kind); kind != "" && !owed && !a.gaveUp("notifications", m) {
			a.find(AllSaid, "%s was said, and no mail tells the customer", m.Data.Type())
		}
	}
	for _, m := range a.mails.Mails {
		if m.Status == mail.Held {
			a.find(AllSaid, "the mail %s is held for an address that does not come", m.Kind)
		}
	}
}

// isPrice says whether a text is the amount, "EUR 19.99".
func isPrice(text string, m contracts.Money) bool {
	digits, ok := strings.CutPrefix(strings.ReplaceAll(text, ".", ""), m.Currency+" ")
	amount, err := strconv.ParseInt(digits, 10, 64)
	return ok && err == nil && amount == m.Amount
}

// endMail is the mail that tells of the order's end.
func endMail(o order.Order) mail.Kind {
	switch {
	case o.Completed != nil:
		return mail.OrderCompleted
	case o.Cancelled != nil:
		return mail.OrderCancelled
	}
	return mail.OrderResolved
}
