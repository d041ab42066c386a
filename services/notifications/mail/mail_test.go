package mail_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	"waybill.dev/services/notifications/mail"
)

const order = "0193-order"

var stream = mail.Streams.Stream("shop", order)

func facts(events ...mail.Event) []es.Fact { return es.Facts(stream, events...) }

func given(t *testing.T, events ...mail.Event) *estest.Scenario {
	t.Helper()
	return estest.Given(t, mail.Streams).Facts(facts(events...)...)
}

func hear(e contracts.Event) es.Command {
	return mail.React(contracts.Message{Tenant: "shop", Subject: order, Data: e}, time.Time{})
}

func due(k mail.Kind, detail string) mail.Event {
	return mail.Due{Mail: k, Detail: detail, MessageID: fmt.Sprintf("%s.%s.shop@waybill.invalid", order, k)}
}

var (
	placed  = contracts.OrderPlaced{Customer: contracts.Customer{Name: "Ada", Email: "ada@example.org"}}
	contact = mail.ContactHeard{Name: "Ada", Email: "ada@example.org"}
)

// told is every event but order-placed with the mail that it is due.
var told = []struct {
	event  contracts.Event
	mail   mail.Kind
	detail string
}{
	{contracts.OrderCancelled{Reason: "changed my mind"}, mail.OrderCancelled, "changed my mind"},
	{contracts.OrderResolved{Outcome: "completed"}, mail.OrderResolved, "completed"},
	{contracts.OrderCompleted{Total: contracts.Money{Amount: 1999, Currency: "EUR"}}, mail.OrderCompleted, "EUR 19.99"},
	{contracts.PaymentFailed{Code: "card_declined"}, mail.PaymentFailed, "card declined"},
	{contracts.PaymentRefunded{Amount: contracts.Money{Amount: 5, Currency: "JPY"}}, mail.PaymentRefunded, "JPY 5"},
	{contracts.OrderShipped{Carrier: "Parcel", TrackingNumber: "SP1"}, mail.OrderShipped, "Parcel SP1"},
	{contracts.CancellationRefused{}, mail.CancellationRefused, ""},
	{contracts.ShipmentDelivered{}, mail.OrderDelivered, ""},
}

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

func TestWhatIsNotHeardDecidesNothing(t *testing.T) {
	t.Parallel()
	heard := map[contracts.Type]bool{}
	for _, e := range mail.Hears() {
		heard[e.Type()] = true
	}
	if len(heard) != len(told)+1 {
		t.Fatalf("%d events are heard, %d told of", len(heard), len(told)+1)
	}
	for _, e := range contracts.Catalogue() {
		if !heard[e.Type()] {
			given(t, contact).When(hear(e)).ThenNothing()
		}
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	shipped := due(mail.OrderShipped, "Parcel SP1")
	given(t, contact, shipped).When(mail.Settle(stream, mail.OrderShipped, 0)).Then(facts(mail.Sent{Mail: mail.OrderShipped})...)
	given(t, contact, shipped).When(mail.Settle(stream, mail.OrderShipped, 550)).Then(facts(mail.Refused{Mail: mail.OrderShipped, Code: 550})...)
	// A second answer, from a job that ran beside its rescue, changes nothing.
	given(t, contact, shipped, mail.Sent{Mail: mail.OrderShipped}).When(mail.Settle(stream, mail.OrderShipped, 550)).ThenNothing()
	given(t, contact).When(mail.Settle(stream, mail.OrderShipped, 0)).ThenNothing()
}

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
