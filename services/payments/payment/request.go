package payment

import (
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// Settings are a tenant's settings that concern payments.
type Settings struct {
	// CaptureAtOnce takes the money as soon as it is held, and not only when the parcel has gone.
	CaptureAtOnce bool
}

// Request notes an order that is to be paid. An order that makes no sense to a provider is refused.
func Request(id es.StreamID, order contracts.OrderPlaced, settings Settings, at time.Time) es.Command {
	return es.On(Category, id, func(p Payment) ([]Fact, []es.Job, error) {
		switch {
		case order.Total.Amount < 0 || order.Total.Currency == "":
			return nil, nil, es.Refuse(es.Invalid, "the order's total is no amount of a currency")
		case order.Payment.Token == "":
			return nil, nil, es.Refuse(es.Invalid, "the order has no payment token")
		case p.Placed:
			return nil, nil, nil
		}
		return follow(id, p, at, Requested{
			Amount: order.Total, Token: Token(order.Payment.Token), CaptureAtOnce: settings.CaptureAtOnce,
		})
	})
}
