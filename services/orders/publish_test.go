package orders_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/orders"
	"waybill.dev/services/orders/order"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	eur := func(amount int64) contracts.Money { return contracts.Money{Amount: amount, Currency: "EUR"} }
	for name, c := range map[string]struct {
		fact order.Event
		want []contracts.Event
	}{
		"the whole order": {
			order.Placed{
				Customer:        order.Customer{ID: "c-1", Name: "Ada", Email: "ada@example.com"},
				Lines:           []order.Line{{SKU: "MUG-1", Name: "Mug", Quantity: 2, UnitPrice: order.Money{Amount: 1999, Currency: "EUR"}}},
				ShippingAddress: order.Address{Name: "Ada", Line1: "1 High Street", Line2: "c/o B", City: "Berlin", PostalCode: "10115", Country: "DE"},
				Payment:         order.Payment{Method: "card", Token: "tok_ok"},
				Total:           order.Money{Amount: 3998, Currency: "EUR"},
			},
			[]contracts.Event{contracts.OrderPlaced{
				Customer:        contracts.Customer{ID: "c-1", Name: "Ada", Email: "ada@example.com"},
				Lines:           []contracts.OrderLine{{SKU: "MUG-1", Name: "Mug", Quantity: 2, UnitPrice: eur(1999)}},
				ShippingAddress: contracts.Address{Name: "Ada", Line1: "1 High Street", Line2: "c/o B", City: "Berlin", PostalCode: "10115", Country: "DE"},
				Payment:         contracts.PaymentMethod{Method: "card", Token: "tok_ok"},
				Total:           eur(3998),
			}},
		},
		"a request": {order.CancellationRequested{RequestedBy: order.ByDeadline, Reason: "capture_overdue"},
			[]contracts.Event{contracts.OrderCancellationRequested{RequestedBy: "deadline", Reason: "capture_overdue"}}},
		"completed": {order.Completed{Total: order.Money{Amount: 1, Currency: "EUR"}}, []contracts.Event{contracts.OrderCompleted{Total: eur(1)}}},
		"cancelled": {order.Cancelled{Reason: "card_declined"}, []contracts.Event{contracts.OrderCancelled{Reason: "card_declined"}}},
		"resolved": {order.Resolved{Outcome: order.OutcomeCancelled, ResolvedBy: "ops", Reason: "by phone"},
			[]contracts.Event{contracts.OrderResolved{Outcome: "cancelled", ResolvedBy: "ops", Reason: "by phone"}}},
		"what payments said":  {order.PaymentCaptured{}, nil},
		"what inventory said": {order.StockReleased{}, nil},
		"what shipping said":  {order.Shipped{}, nil},
		"an overdue step":     {order.DeadlineMissed{Step: order.StepCapture}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := orders.Publish(es.Recorded{Event: c.fact})
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("published (-want +got):\n%s", diff)
			}
		})
	}
}
