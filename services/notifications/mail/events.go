package mail

import "waybill.dev/platform/es"

// Event is a fact of an order's mails.
//
//sumtype:decl
type Event interface {
	es.Event
	mailEvent()
}

// ContactHeard says where the order's mails go.
type ContactHeard struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Due says that a mail of this kind is owed, with what it tells.
type Due struct {
	Mail Kind `json:"mail"`
	// Detail is what this mail says beyond its kind: a reason, an amount, a tracking number.
	Detail string `json:"detail,omitempty"`
	// MessageID is the mail's own, and the same in every copy.
	MessageID string `json:"messageId"`
}

// Sent says that the mail server has taken the mail.
type Sent struct {
	Mail Kind `json:"mail"`
}

// Refused says that the mail server refused the mail for good.
type Refused struct {
	Mail Kind `json:"mail"`
	// Code is the SMTP reply code, 550.
	Code int `json:"code"`
}

func (ContactHeard) Kind() string { return "mail.contact-heard" }
func (Due) Kind() string          { return "mail.due" }
func (Sent) Kind() string         { return "mail.sent" }
func (Refused) Kind() string      { return "mail.refused" }

func (ContactHeard) mailEvent() {}
func (Due) mailEvent()          {}
func (Sent) mailEvent()         {}
func (Refused) mailEvent()      {}
