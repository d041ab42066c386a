package mail_test

import (
	"testing"

	"waybill.dev/services/notifications/mail"
)

func TestOrderPlacedIsAnswered(t *testing.T) {
	t.Parallel()
	given(t).When(hear(placed)).
		Then(facts(contact, due(mail.OrderReceived, ""))...).
		ThenJobs(mail.Send{Order: order, Mail: mail.OrderReceived})
}

// Every pair of events, in either order, each heard twice.
func TestEveryPairInEitherOrder(t *testing.T) {
	t.Parallel()
	for _, a := range told {
		dueA := due(a.mail, a.detail)
		// Before order-placed the mail is held; order-placed sends it.
		given(t).When(hear(a.event)).Then(facts(dueA)...).ThenJobs()
		given(t, dueA).When(hear(a.event)).ThenNothing()
		given(t, dueA).When(hear(placed)).
			Then(facts(contact, due(mail.OrderReceived, ""))...).
			ThenJobs(mail.Send{Order: order, Mail: a.mail}, mail.Send{Order: order, Mail: mail.OrderReceived})
		// After it the mail is sent at once.
		known := []mail.Event{contact, due(mail.OrderReceived, "")}
		given(t, known...).When(hear(a.event)).Then(facts(dueA)...).ThenJobs(mail.Send{Order: order, Mail: a.mail})
		given(t, known...).Commands(hear(a.event)).When(hear(placed)).ThenNothing()
		for _, b := range told {
			if a.mail == b.mail {
				continue
			}
			dueB := due(b.mail, b.detail)
			given(t, dueA).When(hear(b.event)).Then(facts(dueB)...).ThenJobs()
			given(t, append(known, dueA)...).When(hear(b.event)).Then(facts(dueB)...).ThenJobs(mail.Send{Order: order, Mail: b.mail})
			given(t, append(known, dueA, dueB)...).When(hear(a.event)).ThenNothing()
		}
	}
}
