package mail_test

import (
	"strings"
	"testing"

	"waybill.dev/services/notifications/mail"
)

func TestEveryKindHasWordsOfItsOwn(t *testing.T) {
	t.Parallel()
	subjects := map[string]mail.Kind{}
	kinds := []mail.Kind{mail.OrderReceived}
	for _, e := range told {
		kinds = append(kinds, e.mail)
	}
	for _, k := range kinds {
		l := mail.Compose(mail.Mails{Name: "Ada"}, mail.Mail{Kind: k, Detail: "the detail"}, order)
		if !strings.Contains(l.Subject, order) || !strings.HasPrefix(l.Text, "Dear Ada,") {
			t.Errorf("%s: %+v", k, l)
		}
		if other, twice := subjects[l.Subject]; twice {
			t.Errorf("%s reads like %s", k, other)
		}
		subjects[l.Subject] = k
	}
}

// A code is said in words, whichever mail says it; what a person wrote stays as it was written.
func TestReasonsAreWords(t *testing.T) {
	t.Parallel()
	for detail, want := range map[string]string{
		"card_declined":           ": card declined.",
		"authorization_overdue":   ": authorization overdue.",
		"provider.not-today_2":    ": provider not today 2.",
		"changed my_mind":         ": changed my_mind.",
		"Ordered the wrong thing": ": Ordered the wrong thing.",
	} {
		for _, kind := range []mail.Kind{mail.OrderCancelled, mail.PaymentFailed} {
			if l := mail.Compose(mail.Mails{Name: "Ada"}, mail.Mail{Kind: kind, Detail: detail}, order); !strings.Contains(l.Text, want) {
				t.Errorf("%s because of %q: %s", kind, detail, l.Text)
			}
		}
	}
}
