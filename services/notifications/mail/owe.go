package mail

import (
	"fmt"

	"waybill.dev/platform/es"
)

// Send is the job that hands one mail to the mail server. It names the mail; the address stays in the stream.
type Send struct {
	Order string `json:"order"`
	Mail  Kind   `json:"mail"`
}

func (Send) Kind() string { return "notifications.send-mail" }

// Contact notes where the order's mails go and sends those that were held for it.
func Contact(id es.StreamID, name, email string) es.Command {
	return es.On(Streams, id, func(m Mails) ([]Event, []es.Job, error) {
		if m.Email != "" {
			return nil, nil, nil
		}
		events := []Event{ContactHeard{Name: name, Email: email}}
		var jobs []es.Job
		for _, held := range m.Mails {
			jobs = append(jobs, Send{Order: id.ID, Mail: held.Kind})
		}
		owed, more := owe(m.evolve(events[0]), id, OrderReceived, "")
		return append(events, owed...), append(jobs, more...), nil
	})
}

// Owe notes that a mail is due. It is sent once the address is known.
func Owe(id es.StreamID, kind Kind, detail string) es.Command {
	return es.On(Streams, id, func(m Mails) ([]Event, []es.Job, error) {
		events, jobs := owe(m, id, kind, detail)
		return events, jobs, nil
	})
}

func owe(m Mails, id es.StreamID, kind Kind, detail string) ([]Event, []es.Job) {
	if _, owed := m.Find(kind); owed {
		return nil, nil
	}
	events := []Event{Due{Mail: kind, Detail: detail, MessageID: messageID(id, kind)}}
	if m.Email == "" {
		return events, nil
	}
	return events, []es.Job{Send{Order: id.ID, Mail: kind}}
}

// messageID is the same in every copy of a mail, so that a reader's mail program can tell copies (RFC 5322,
// section 3.6.4). The domain is reserved, and so nobody else's (RFC 2606).
func messageID(id es.StreamID, kind Kind) string {
	return fmt.Sprintf("%s.%s.%s@waybill.invalid", id.ID, kind, id.Tenant)
}
