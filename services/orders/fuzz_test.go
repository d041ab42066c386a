package orders

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	"waybill.dev/services/orders/order"
)

// Whatever is posted as an order: every wrong field is named, and it is not placed; or none is, and it is placed, and what
// is published of it can be sent.
func FuzzNewOrder(f *testing.F) {
	for _, body := range []string{
		`{"customer":{"id":"c-1","name":"Ada","email":"ada@example.com"},"lines":[{"sku":"MUG-1","name":"Mug","quantity":2,"unitPrice":{"amount":1999,"currency":"EUR"}}],
		"shippingAddress":{"name":"Ada","line1":"1 High Street","city":"Berlin","postalCode":"10115","country":"DE"},"payment":{"method":"card","token":"tok"}}`,
		`{"lines":[{"sku":"A","quantity":1000000,"unitPrice":{"amount":9223372036854775807,"currency":"EUR"}},{"sku":"A","unitPrice":{"currency":"USD"}}]}`,
		`{"customer":{"email":"a@b\u0000"},"lines":null}`, `{}`, `{"lines":[{"quantity":-9223372036854775808,"unitPrice":{"amount":-9223372036854775808}}]}`,
	} {
		f.Add([]byte(body))
	}
	at := time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		var posted NewOrder
		if json.Unmarshal(body, &posted) != nil {
			return
		}
		verb := posted.verb()
		verb.At, verb.Deadlines = at, order.Deadlines{Authorization: 1, Reservation: 1, Shipment: 1, Capture: 1, Cancellation: 1}
		wrong := verb.Validate()
		for _, w := range wrong {
			if w.Field == "" || w.Message == "" {
				t.Errorf("%+v", w)
			}
		}
		posted.Resolve(nil, huma.NewPathBuffer([]byte("body"), 4))
		d, err := estest.NewMemory(order.Category).Run(order.On("acme", "o-1", verb))
		var refusal *es.Refusal
		switch {
		case len(wrong) > 0:
			if !errors.As(err, &refusal) || refusal.Code != es.Invalid || len(d.Facts) > 0 {
				t.Errorf("%v are wrong, and %v, %v", wrong, d.Facts, err)
			}
		case err != nil || len(d.Facts) != 1:
			t.Errorf("nothing is wrong, and %v, %v", d.Facts, err)
		default:
			placed, ok := d.Facts[0].Event.(order.Placed)
			if !ok || placed.Total.Amount < 0 || placed.Total.Currency == "" || len(Publish(es.Recorded{ID: "x", Event: placed})) != 1 {
				t.Errorf("%+v", d.Facts)
			}
		}
	})
}
