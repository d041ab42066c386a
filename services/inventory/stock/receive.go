package stock

import "waybill.dev/platform/es"

// Receive is goods coming in. The same reference and quantity count once; another quantity under the reference is
// a Conflict.
type Receive struct {
	Tenant, SKU string
	// Quantity is 1 to MaxQuantity.
	Quantity int64
	// Reference names the delivery among those of the SKU.
	Reference string
}

// Command notes the delivery and adds it to the stock.
func (c Receive) Command() es.Command {
	receipt := Receipts.Stream(c.Tenant, c.SKU+"/"+c.Reference)
	stock := Stocks.Stream(c.Tenant, c.SKU)
	return es.Command{Streams: []es.StreamID{receipt, stock}, Decide: func(states es.States) (es.Decision, error) {
		facts, err := c.decide(Receipts.State(states, receipt), Stocks.State(states, stock))
		if err != nil || len(facts) == 0 {
			return es.Decision{}, err
		}
		return es.Decision{Facts: append(es.Facts[ReceiptEvent](receipt, Counted{c.Quantity}), es.Facts(stock, facts...)...)}, nil
	}}
}

func (c Receive) decide(receipt Receipt, stock Stock) ([]Event, error) {
	switch {
	case c.Quantity < 1 || c.Quantity > MaxQuantity:
		return nil, es.Refuse(es.Invalid, "the quantity of a receipt is 1 to %d", MaxQuantity)
	case receipt.Quantity == c.Quantity:
		return nil, nil
	case receipt.Quantity != 0:
		return nil, es.Refuse(es.Conflict, "reference %q of SKU %s was received with quantity %d", c.Reference, c.SKU, receipt.Quantity)
	case stock.OnHand+c.Quantity > MaxOnHand:
		return nil, es.Refuse(es.Conflict, "no more than %d may be on hand of SKU %s; %d are", MaxOnHand, c.SKU, stock.OnHand)
	}
	return []Event{Received{Quantity: c.Quantity, Reference: c.Reference}}, nil
}
