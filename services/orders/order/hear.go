package order

// Hear notes what another service has said. It is noted whatever the order has come to by then, so that its status
// is a function of all that was said; what has been heard before is not noted again.
type Hear struct {
	Fact Event
}

// Decide notes the fact, and ends the order where the fact does so.
func (h Hear) Decide(o Order) ([]Event, error) {
	if o.Knows(h.Fact) {
		return nil, nil
	}
	return o.with(h.Fact), nil
}
