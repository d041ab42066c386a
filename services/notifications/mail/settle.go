package mail

import "waybill.dev/platform/es"

// Settle notes what the mail server said to a mail: a code of 0 says that it took it. Only the first answer
// counts.
func Settle(id es.StreamID, kind Kind, code int) es.Command {
	return es.On(Streams, id, func(m Mails) ([]Event, []es.Job, error) {
		mail, owed := m.Find(kind)
		switch {
		case !owed || mail.Status != Sending:
			return nil, nil, nil
		case code != 0:
			return []Event{Refused{Mail: kind, Code: code}}, nil, nil
		}
		return []Event{Sent{Mail: kind}}, nil, nil
	})
}
