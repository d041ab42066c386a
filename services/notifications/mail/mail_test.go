package mail_test

import (
	"fmt"
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
	{contracts.PaymentFailed{Code: "card_declined"}, mail.PaymentFailed, "card_declined"},
	{contracts.PaymentRefunded{Amount: contracts.Money{Amount: 5, Currency: "JPY"}}, mail.PaymentRefunded, "JPY 5"},
	{contracts.OrderShipped{Carrier: "Parcel", TrackingNumber: "SP1"}, mail.OrderShipped, "Parcel SP1"},
	{contracts.CancellationRefused{}, mail.CancellationRefused, ""},
	{contracts.ShipmentDelivered{}, mail.OrderDelivered, ""},
}

func TestAResolutionIsToldOnceAndWithAKnownOutcome(t *testing.T) {
	t.Parallel()
	given(t, contact, due(mail.OrderResolved, "cancelled")).When(hear(contracts.OrderResolved{Outcome: "completed"})).ThenNothing()
	for _, outcome := range []string{"", "Cancelled", "lost"} {
		given(t, contact).When(hear(contracts.OrderResolved{Outcome: outcome})).ThenRefused(es.Invalid)
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
