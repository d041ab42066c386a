package mailbox

import "time"

// Mail is a mail as it was taken.
type Mail struct {
	ID         string              `json:"id"`
	From       string              `json:"from"` // of the envelope, as To
	To         []string            `json:"to"`
	MessageID  string              `json:"messageId"` // without its angle brackets; empty where there is none
	Subject    string              `json:"subject"`
	Text       string              `json:"text"`    // the first part of plain text, decoded
	Headers    map[string][]string `json:"headers"` // decoded; names in canonical form (Message-Id)
	Raw        string              `json:"raw"`     // the whole; GET /v1/mails/{id}/raw has it byte for byte
	ReceivedAt time.Time           `json:"receivedAt"`
}

// MailPage is the answer to GET /v1/mails; Next is the cursor of the next page, empty at the end.
type MailPage struct {
	Mails []Mail `json:"mails"`
	Next  string `json:"next,omitempty"`
}
