package order

import "waybill.dev/platform/es"

// Resolve ends an order by the word of an operator, who has settled with the outside by hand what the services
// could not. It is for orders that show attention alone: the others end by themselves.
type Resolve struct {
	Outcome    Outcome
	ResolvedBy string
	Reason     string
}

// Validate names every wrong field at once.
func (r Resolve) Validate() []Wrong {
	var w wrongs
	if r.Outcome != OutcomeCompleted && r.Outcome != OutcomeCancelled {
		w.bound("outcome", "must be %q or %q", OutcomeCompleted, OutcomeCancelled)
	}
	w.text("resolvedBy", r.ResolvedBy, 1, MaxText)
	w.text("reason", r.Reason, 1, MaxReason)
	return w
}

// Decide puts the operator's word on record.
func (r Resolve) Decide(o Order) ([]Event, error) {
	if err := refuse(r.Validate()); err != nil {
		return nil, err
	}
	switch {
	case o.Placed == nil:
		return nil, errUnknown
	case o.Ended():
		return nil, es.Refuse(es.Conflict, "the order is %s", o.Status())
	case o.Attention() == "":
		return nil, es.Refuse(es.Conflict, "the order needs no attention: it is under way")
	}
	return o.with(Resolved(r)), nil
}
