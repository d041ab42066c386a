package stock

import "waybill.dev/platform/es"

// Adjust corrects the count of a SKU that is known. What is reserved stays on hand: an adjustment below it is a
// Conflict.
type Adjust struct {
	Tenant, SKU string
	// Quantity is added to what is on hand: -MaxQuantity to MaxQuantity, and not 0.
	Quantity int64
	Reason   string
}

// Command adds to the stock, or takes from it.
func (c Adjust) Command() es.Command {
	id := Stocks.Stream(c.Tenant, c.SKU)
	return es.Command{Streams: []es.StreamID{id}, Decide: func(states es.States) (es.Decision, error) {
		if states.Version(id) == 0 {
			return es.Decision{}, es.Refuse(es.NotFound, "SKU %s is not known: nothing of it was ever received", c.SKU)
		}
		facts, err := c.decide(Stocks.State(states, id))
		return es.Decision{Facts: es.Facts(id, facts...)}, err
	}}
}

func (c Adjust) decide(s Stock) ([]Event, error) {
	switch {
	case c.Quantity == 0 || c.Quantity < -MaxQuantity || c.Quantity > MaxQuantity:
		return nil, es.Refuse(es.Invalid, "the quantity of an adjustment is %d to %d, and not 0", -MaxQuantity, MaxQuantity)
	case s.OnHand+c.Quantity < s.Reserved:
		return nil, es.Refuse(es.Conflict, "of SKU %s %d are on hand and %d of them are reserved: %d cannot be taken away",
			c.SKU, s.OnHand, s.Reserved, -c.Quantity)
	case s.OnHand+c.Quantity > MaxOnHand:
		return nil, es.Refuse(es.Conflict, "no more than %d may be on hand of SKU %s; %d are", MaxOnHand, c.SKU, s.OnHand)
	}
	return []Event{Adjusted{Quantity: c.Quantity, Reason: c.Reason}}, nil
}
