package mailbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	gomail "github.com/emersion/go-message/mail"
)

// read returns a mail from the disk. It has to be flushed.
func (s *Server) read(mail *kept) (record, error) {
	line, err := s.journal.Read(mail.at)
	if err != nil {
		return record{}, err
	}
	var entry record
	if err := json.Unmarshal(line, &entry); err != nil {
		return record{}, fmt.Errorf("decode a mail: %w", err)
	}
	return entry, nil
}

// view takes a mail apart. What cannot be taken apart is left out; Raw has it.
func (r record) view() Mail {
	view := Mail{
		ID: r.ID, From: r.From, To: r.To, MessageID: r.MessageID, Raw: string(r.Raw), ReceivedAt: r.At,
		Headers: map[string][]string{},
	}
	// A character set that is not known still comes with a reader.
	reader, _ := gomail.CreateReader(bytes.NewReader(r.Raw))
	if reader == nil {
		return view
	}
	for fields := reader.Header.Fields(); fields.Next(); {
		value, err := fields.Text()
		if err != nil {
			value = fields.Value()
		}
		view.Headers[fields.Key()] = append(view.Headers[fields.Key()], value)
	}
	if subjects := view.Headers["Subject"]; len(subjects) > 0 {
		view.Subject = subjects[0]
	}
	view.Text = firstText(reader)
	return view
}

// firstText returns the first part that is plain text, empty where there is none.
func firstText(reader *gomail.Reader) string {
	for {
		part, _ := reader.NextPart()
		if part == nil {
			return ""
		}
		header, inline := part.Header.(*gomail.InlineHeader)
		if !inline {
			continue
		}
		if kind, _, err := header.ContentType(); err != nil || !strings.EqualFold(kind, "text/plain") {
			continue
		}
		text, err := io.ReadAll(part.Body)
		if err != nil {
			return ""
		}
		return string(text)
	}
}
