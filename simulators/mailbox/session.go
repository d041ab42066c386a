package mailbox

import (
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// session is a conversation with a client that sends mail.
type session struct {
	server     *Server
	connection *smtp.Conn
	from       string
	to         []string
}

// Mail begins a message.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from, s.to = from, nil
	return nil
}

// Rcpt names a recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if localPart(to) == RecipientRefused {
		return &smtp.SMTPError{
			Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "there is no such mailbox here",
		}
	}
	s.to = append(s.to, to)
	return nil
}

// Data takes the message.
func (s *session) Data(reader io.Reader) error {
	raw, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	entry := newRecord(s.from, s.to, raw, time.Now().UTC().Truncate(time.Microsecond))
	err = s.server.take(&entry)
	if flushed := s.server.journal.Flush(); flushed != nil {
		s.server.config.Logger.Error("mail was not kept", "error", flushed)
		return &smtp.SMTPError{
			Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "the mail could not be stored",
		}
	}
	s.server.config.Logger.Debug("mail", "id", entry.ID, "messageId", entry.MessageID, "tenant", entry.Tenant,
		"order", entry.Order, "bytes", len(raw), "unanswered", entry.Unanswered)
	if entry.Unanswered {
		return errors.Join(errors.New("left unanswered"), s.connection.Conn().Close())
	}
	return err
}

// Reset forgets the message that was begun.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout ends the session.
func (s *session) Logout() error { return nil }

// take decides what becomes of a mail, and notes it: entry has an ID if it is kept.
func (s *Server) take(entry *record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if anyIs(entry.To, RecipientFailsOnce) && !s.shelf.turnedAway[entry.Message] {
		if err := s.note(record{At: entry.At, Message: entry.Message}); err != nil {
			return err
		}
		return &smtp.SMTPError{
			Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "not now; the next try succeeds",
		}
	}
	entry.ID = "mail_" + strings.ToLower(rand.Text())
	entry.Unanswered = anyIs(entry.To, RecipientUnanswered) && !s.shelf.unanswered[entry.Message]
	return s.note(*entry)
}

// note writes a record to the journal and to the shelf. The caller holds the lock.
func (s *Server) note(entry record) error {
	at, err := s.journal.Append(entry)
	if err != nil {
		return err
	}
	s.shelf.apply(entry, at)
	return nil
}
