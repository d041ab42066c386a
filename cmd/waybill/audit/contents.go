package audit

import (
	"slices"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

// keeping is what was said, with what the fact has kept of it in the place of what was said. When it was heard is
// nobody's word.
func keeping(said contracts.Event, noted es.Event) contracts.Event {
	switch f := noted.(type) {
	case order.PaymentAuthorized:
		return contracts.PaymentAuthorized{Amount: contracts.Money(f.Amount), ProviderReference: f.ProviderReference, ExpiresAt: f.ExpiresAt}
	case order.PaymentFailed:
		return contracts.PaymentFailed(f)
	case order.PaymentCaptured:
		return contracts.PaymentCaptured{Amount: contracts.Money(f.Amount), ProviderReference: f.ProviderReference}
	case order.PaymentRefunded:
		return contracts.PaymentRefunded{Amount: contracts.Money(f.Amount), ProviderReference: f.ProviderReference}
	case order.PaymentAttentionRequired:
		return contracts.PaymentAttentionRequired(f)
	case order.StockReservationFailed:
		return keepingShortages(f.Shortages)
	case order.Shipped:
		return contracts.OrderShipped{Carrier: f.Carrier, TrackingNumber: f.TrackingNumber, PickedUpAt: f.PickedUpAt}
	case order.ShippingFailed:
		return contracts.ShippingFailed{Code: f.Code}
	case order.ShipmentAttentionRequired:
		return contracts.ShipmentAttentionRequired(f)
	case order.Delivered:
		return contracts.ShipmentDelivered(f)
	case stock.ResolutionHeard:
		return keepingOutcome(said, string(f.Outcome))
	case shipment.ResolutionHeard:
		return keepingOutcome(said, f.Outcome)
	}
	if placed, ok := said.(contracts.OrderPlaced); ok {
		return keepingOrder(placed, noted)
	}
	return said
}

func keepingShortages(shortages []order.Shortage) (failed contracts.StockReservationFailed) {
	for _, s := range shortages {
		failed.Shortages = append(failed.Shortages, contracts.Shortage(s))
	}
	return failed
}

func keepingOutcome(said contracts.Event, outcome string) contracts.Event {
	resolved, _ := said.(contracts.OrderResolved)
	resolved.Outcome = outcome
	return resolved
}

// keepingOrder: of an order each service keeps what it needs. The lines that inventory keeps are looked at by checkLines.
func keepingOrder(said contracts.OrderPlaced, noted es.Event) contracts.OrderPlaced {
	switch f := noted.(type) {
	case payment.Requested:
		said.Total, said.Payment.Token = f.Amount, string(f.Token)
	case shipment.OrderHeard:
		said.ShippingAddress = contracts.Address(f.Address)
		lines := make([]contracts.OrderLine, len(f.Lines))
		copy(lines, said.Lines)
		for i, l := range f.Lines {
			lines[i].SKU, lines[i].Quantity = l.SKU, l.Quantity
		}
		said.Lines = lines
	case mail.ContactHeard:
		said.Customer.Name, said.Customer.Email = f.Name, f.Email
	}
	return said
}

// checkTotals: whatever is held, taken or given back for an order is its total, which is what its lines come to.
func (a *account) checkTotals() {
	if a.order.Placed == nil {
		return
	}
	var sum int64
	for _, l := range a.order.Placed.Lines {
		sum += l.Quantity * l.UnitPrice.Amount
	}
	total := a.order.Placed.Total
	if sum != total.Amount {
		a.find(MoneyOwed, "its lines come to %d, and its total is %d", sum, total.Amount)
	}
	for _, f := range slices.Concat(a.Orders, a.Payment) {
		amount := total
		switch e := f.Event.(type) {
		case order.Completed:
			amount = e.Total
		case payment.Authorized:
			amount = order.Money(e.Amount)
		case payment.Captured:
			amount = order.Money(e.Amount)
		case payment.Refunded:
			amount = order.Money(e.Amount)
		}
		if amount != total {
			a.find(MoneyOwed, "its total is %d %s, and %s is of %d %s", total.Amount, total.Currency, f.Event.Kind(), amount.Amount, amount.Currency)
		}
	}
}
