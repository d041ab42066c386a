package mailbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"waybill.dev/simulators/internal/books"
	"waybill.dev/simulators/internal/journal"
)

// The headers under which a mail is found by tenant and order.
const (
	HeaderTenant = "X-Waybill-Tenant"
	HeaderOrder  = "X-Waybill-Order"
)

// record is a line of the journal: a mail, or a try that was turned away.
type record struct {
	At         time.Time `json:"at"`
	ID         string    `json:"id,omitempty"` // of the mail; empty for a try that was turned away
	From       string    `json:"from,omitempty"`
	To         []string  `json:"to,omitempty"`
	Raw        []byte    `json:"raw,omitempty"`
	Message    string    `json:"message"` // see messageKey
	Unanswered bool      `json:"unanswered,omitempty"`

	// What a mail is found by, taken out of Raw once.
	MessageID string `json:"messageId,omitempty"`
	Tenant    string `json:"tenant,omitempty"`
	Order     string `json:"order,omitempty"`
}

// newRecord reads what a mail is found by. A mail that cannot be read is kept all the same.
func newRecord(from string, to []string, raw []byte, now time.Time) record {
	entry := record{At: now, From: from, To: to, Raw: raw}
	if message, err := mail.ReadMessage(bytes.NewReader(raw)); err == nil {
		entry.MessageID = strings.Trim(message.Header.Get("Message-Id"), "<> ")
		entry.Tenant, entry.Order = message.Header.Get(HeaderTenant), message.Header.Get(HeaderOrder)
	}
	entry.Message = messageKey(entry.MessageID, raw)
	return entry
}

// messageKey tells whether two tries are of the same message: by its Message-ID, or else by its content.
func messageKey(messageID string, raw []byte) string {
	if messageID != "" {
		return messageID
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:12])
}

// kept is what the shelf knows of a mail; the rest stays on disk.
type kept struct {
	id        string
	to        []string
	messageID string
	tenant    string
	order     string
	at        journal.Position
}

// shelf is the mails in memory: the fold of the journal.
type shelf struct {
	mails      *books.List[*kept]
	byID       map[string]*kept
	turnedAway map[string]bool // the messages that were refused once
	unanswered map[string]bool // the messages that were taken without an answer once
}

func newShelf() *shelf {
	return &shelf{
		mails: books.NewList[*kept](), byID: map[string]*kept{},
		turnedAway: map[string]bool{}, unanswered: map[string]bool{},
	}
}

func (s *shelf) replay(line []byte, at journal.Position) error {
	var entry record
	if err := json.Unmarshal(line, &entry); err != nil {
		return fmt.Errorf("%w: %w", journal.ErrDamaged, err)
	}
	s.apply(entry, at)
	return nil
}

func (s *shelf) apply(entry record, at journal.Position) {
	if entry.ID == "" {
		s.turnedAway[entry.Message] = true
		return
	}
	if entry.Unanswered {
		s.unanswered[entry.Message] = true
	}
	mail := &kept{
		id: entry.ID, to: entry.To, messageID: entry.MessageID, tenant: entry.Tenant, order: entry.Order, at: at,
	}
	s.byID[mail.id] = mail
	reference := ""
	if mail.tenant != "" {
		reference = books.Reference(mail.tenant, mail.order)
	}
	s.mails.Add(reference, mail)
}
