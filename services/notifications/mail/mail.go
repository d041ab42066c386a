// Package mail decides which mails an order owes its customer. It is pure.
package mail

import (
	"slices"

	"waybill.dev/platform/es"
)

// Kind says what a mail tells. An order owes at most one mail of each kind.
type Kind string

const (
	OrderReceived       Kind = "order-received"
	OrderShipped        Kind = "order-shipped"
	OrderDelivered      Kind = "order-delivered"
	OrderCompleted      Kind = "order-completed"
	OrderCancelled      Kind = "order-cancelled"
	OrderResolved       Kind = "order-resolved"
	PaymentFailed       Kind = "payment-failed"
	PaymentRefunded     Kind = "payment-refunded"
	CancellationRefused Kind = "cancellation-refused"
)

// Status is how far a mail has come.
type Status string

const (
	// Held: the address is not known yet.
	Held Status = "held"
	// Sending: it is being sent, for as long as it takes.
	Sending Status = "sending"
	// Delivered: the mail server has taken it.
	Delivered Status = "sent"
	// Failed: the mail server refused it for good.
	Failed Status = "refused"
)

// Mails are the mails of one order.
type Mails struct {
	Name  string
	Email string
	Mails []Mail
}

// Mail is one mail, in the order in which they fell due.
type Mail struct {
	Kind      Kind
	Detail    string
	MessageID string
	Status    Status
}

// Streams are the mails of orders, by the order's id.
var Streams = es.Category[Mails, Event]{
	Name:   "mail",
	Kinds:  []es.Kind{es.KindOf[ContactHeard](), es.KindOf[Due](), es.KindOf[Sent](), es.KindOf[Refused]()},
	Evolve: Mails.evolve,
}

func (m Mails) evolve(e Event) Mails {
	m.Mails = slices.Clone(m.Mails)
	switch e := e.(type) {
	case ContactHeard:
		m.Name, m.Email = e.Name, e.Email
		for i := range m.Mails {
			m.Mails[i].Status = Sending
		}
	case Due:
		status := Held
		if m.Email != "" {
			status = Sending
		}
		m.Mails = append(m.Mails, Mail{Kind: e.Mail, Detail: e.Detail, MessageID: e.MessageID, Status: status})
	case Sent:
		m.set(e.Mail, Delivered)
	case Refused:
		m.set(e.Mail, Failed)
	}
	return m
}

func (m Mails) set(kind Kind, status Status) {
	for i := range m.Mails {
		if m.Mails[i].Kind == kind {
			m.Mails[i].Status = status
		}
	}
}

// Find is the mail of a kind.
func (m Mails) Find(kind Kind) (Mail, bool) {
	for _, mail := range m.Mails {
		if mail.Kind == kind {
			return mail, true
		}
	}
	return Mail{}, false
}
