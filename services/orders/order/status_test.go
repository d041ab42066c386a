package order_test

import (
	"testing"

	"waybill.dev/services/orders/order"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		past []order.Event
		want order.Status
	}{
		"placed":                        {[]order.Event{placed()}, order.StatusPlaced},
		"authorized":                    {[]order.Event{placed(), authorized}, order.StatusAuthorized},
		"captured at once":              {[]order.Event{placed(), captured, authorized}, order.StatusAuthorized},
		"reserved":                      {[]order.Event{placed(), authorized, reserved}, order.StatusReserved},
		"reserved before authorized":    {[]order.Event{placed(), reserved}, order.StatusReserved},
		"shipped":                       {[]order.Event{placed(), authorized, reserved, shipped}, order.StatusShipped},
		"cancelling":                    {[]order.Event{placed(), authorized, reserved, requested}, order.StatusCancelling},
		"cancelling, then reserved":     {[]order.Event{placed(), requested, authorized, reserved}, order.StatusCancelling},
		"shipped before cancelling":     {[]order.Event{placed(), requested, shipped}, order.StatusShipped},
		"a refused request is nothing":  {[]order.Event{placed(), authorized, reserved, requested, refused}, order.StatusReserved},
		"refused before it was shipped": {[]order.Event{placed(), reserved, requested, refused, shipped}, order.StatusShipped},
		"out of stock":                  {[]order.Event{placed(), authorized, order.StockReservationFailed{}}, order.StatusCancelling},
		"refused by the carrier":        {[]order.Event{placed(), authorized, reserved, order.ShippingFailed{}}, order.StatusCancelling},
		"completed":                     {[]order.Event{placed(), shipped, captured, completed}, order.StatusCompleted},
		"cancelled":                     {[]order.Event{placed(), order.PaymentFailed{}, cancelled}, order.StatusCancelled},
		"resolved, completed":           {[]order.Event{placed(), shipped, order.Resolved{Outcome: order.OutcomeCompleted}}, order.StatusCompleted},
		"resolved, cancelled":           {[]order.Event{placed(), shipped, resolved}, order.StatusCancelled},
		"delivered":                     {[]order.Event{placed(), shipped, captured, completed, order.Delivered{}}, order.StatusCompleted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := state(c.past...).Status(); got != c.want {
				t.Errorf("status %s, want %s", got, c.want)
			}
		})
	}
}

// Attention is shown until the fact that answers it, whichever of the two was heard first.
func TestAttention(t *testing.T) {
	t.Parallel()
	payment := func(operation string) order.Event {
		return order.PaymentAttentionRequired{Operation: operation, Code: "no"}
	}
	shipment := func(operation string) order.Event {
		return order.ShipmentAttentionRequired{Operation: operation, Code: "no"}
	}
	missed := func(s order.Step) order.Event { return order.DeadlineMissed{Step: s} }
	for name, c := range map[string]struct {
		raised  order.Event
		shown   string
		other   []order.Event // do not answer it
		answers []order.Event
	}{
		"capture":               {payment("capture"), "capture refused: no", []order.Event{authorized, shipped, requested}, []order.Event{captured}},
		"void":                  {payment("void"), "void refused: no", []order.Event{order.StockReleased{}}, []order.Event{order.PaymentVoided{}, order.PaymentFailed{}, captured}},
		"refund":                {payment("refund"), "refund refused: no", []order.Event{captured}, []order.Event{order.PaymentRefunded{}}},
		"cancel":                {shipment("cancel"), "shipment cancel refused: no", []order.Event{requested, captured}, []order.Event{shipped, shipmentCanceled, order.ShippingFailed{}}},
		"book":                  {shipment("book"), "shipment book refused: no", []order.Event{reserved}, []order.Event{shipped, shipmentCanceled, order.ShippingFailed{}}},
		"authorizing":           {missed(order.StepAuthorization), "authorization is overdue", []order.Event{requested}, []order.Event{authorized, reserved, shipped}},
		"reserving":             {missed(order.StepReservation), "reservation is overdue", []order.Event{authorized}, []order.Event{reserved, shipped}},
		"shipping":              {missed(order.StepShipment), "shipment is overdue", []order.Event{reserved}, []order.Event{shipped}},
		"capturing":             {missed(order.StepCapture), "capture is overdue", []order.Event{shipped}, []order.Event{captured}},
		"cancellation":          {missed(order.StepCancellation), "cancellation is overdue", []order.Event{requested, shipmentCanceled}, []order.Event{refused}},
		"of an order that ends": {payment("capture"), "capture refused: no", nil, []order.Event{completed, cancelled, resolved}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			past := append([]order.Event{placed(), c.raised}, c.other...)
			if got := state(past...).Attention(); got != c.shown {
				t.Errorf("attention %q, want %q", got, c.shown)
			}
			for _, a := range c.answers {
				if got := state(placed(), c.raised, a).Attention(); got != "" {
					t.Errorf("after %s: %q", a.Kind(), got)
				}
				if got := state(placed(), a, c.raised).Attention(); got != "" {
					t.Errorf("told of after %s: %q", a.Kind(), got)
				}
			}
		})
	}
}

func TestAttentionNamesEveryReasonAndTheLastWordOnEach(t *testing.T) {
	t.Parallel()
	o := state(placed(), shipped, captureRefused, order.DeadlineMissed{Step: order.StepCapture},
		order.PaymentAttentionRequired{Operation: "capture", Code: "lost_card"})
	if want, got := "capture refused: lost_card; capture is overdue", o.Attention(); got != want {
		t.Errorf("attention %q, want %q", got, want)
	}
}
