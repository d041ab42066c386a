package mail

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/currency"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// Hears are the events that a customer is told of.
func Hears() []contracts.Event {
	return []contracts.Event{
		contracts.OrderPlaced{}, contracts.OrderCancelled{}, contracts.OrderResolved{}, contracts.OrderCompleted{},
		contracts.PaymentFailed{}, contracts.PaymentRefunded{},
		contracts.OrderShipped{}, contracts.CancellationRefused{}, contracts.ShipmentDelivered{},
	}
}

// React is the service's part of the saga: a mail for each event that it hears.
func React(m contracts.Message, _ time.Time) es.Command {
	id := Streams.Stream(m.Tenant, m.Subject)
	switch d := m.Data.(type) {
	case contracts.OrderPlaced:
		return Contact(id, d.Customer.Name, d.Customer.Email)
	case contracts.OrderCancelled:
		return Owe(id, OrderCancelled, d.Reason)
	case contracts.OrderResolved:
		return resolved(id, d.Outcome)
	case contracts.OrderCompleted:
		return Owe(id, OrderCompleted, price(d.Total))
	case contracts.PaymentFailed:
		return Owe(id, PaymentFailed, d.Code)
	case contracts.PaymentRefunded:
		return Owe(id, PaymentRefunded, price(d.Amount))
	case contracts.OrderShipped:
		return Owe(id, OrderShipped, strings.TrimSpace(d.Carrier+" "+d.TrackingNumber))
	case contracts.CancellationRefused:
		return Owe(id, CancellationRefused, "")
	case contracts.ShipmentDelivered:
		return Owe(id, OrderDelivered, "")
	case contracts.OrderCancellationRequested,
		contracts.PaymentAuthorized, contracts.PaymentCaptured, contracts.PaymentVoided, contracts.PaymentAttentionRequired,
		contracts.StockReserved, contracts.StockReservationFailed, contracts.StockReleased,
		contracts.ShippingFailed, contracts.ShipmentCancelled, contracts.ShipmentAttentionRequired:
		// Not heard: nothing that a customer would be told of by itself.
	}
	return es.Nothing()
}

// resolved tells the customer of the end that an operator brought about. One that nobody knows is refused, and not
// told to anybody.
func resolved(id es.StreamID, outcome string) es.Command {
	if contracts.IsOutcome(outcome) {
		return Owe(id, OrderResolved, outcome)
	}
	return es.On(Streams, id, func(Mails) ([]Event, []es.Job, error) {
		return nil, nil, es.Refuse(es.Invalid, "the outcome %q of the resolution is not known", outcome)
	})
}

// price writes money as people do: "EUR 19.99".
func price(m contracts.Money) string {
	digits := 2
	if unit, err := currency.ParseISO(m.Currency); err == nil {
		digits, _ = currency.Standard.Rounding(unit)
	}
	sign, amount := "", m.Amount
	if amount < 0 {
		sign, amount = "-", -amount
	}
	number := fmt.Sprintf("%0*d", digits+1, amount)
	if digits > 0 {
		number = number[:len(number)-digits] + "." + number[len(number)-digits:]
	}
	return m.Currency + " " + sign + number
}
