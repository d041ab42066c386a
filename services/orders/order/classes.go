package order

// Class is what an order's state comes to where a new fact meets it: the states of a class are treated alike. It tells
// how much of the policy a test has seen.
type Class string

const (
	// ClassUnknown: not placed yet.
	ClassUnknown    Class = "unknown"
	ClassPlaced     Class = "placed"
	ClassAuthorized Class = "authorized"
	ClassReserved   Class = "reserved"
	ClassShipped    Class = "shipped"
	ClassCancelling Class = "cancelling"
	// ClassAttention: open, and a person must look.
	ClassAttention Class = "attention"
	ClassCompleted Class = "completed"
	ClassCancelled Class = "cancelled"
	ClassResolved  Class = "resolved"
)

// Classes lists every class.
func Classes() []Class {
	return []Class{
		ClassUnknown, ClassPlaced, ClassAuthorized, ClassReserved, ClassShipped, ClassCancelling, ClassAttention,
		ClassCompleted, ClassCancelled, ClassResolved,
	}
}

// Class says which class the state is of.
func (o Order) Class() Class {
	switch {
	case o.Placed == nil:
		return ClassUnknown
	case o.Resolved != nil:
		return ClassResolved
	case len(o.Reasons()) > 0:
		return ClassAttention
	}
	return Class(o.Status())
}
