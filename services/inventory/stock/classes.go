package stock

// Class is what a reservation's state comes to where a new fact meets it: the states of a class are treated alike. It
// tells how much of the policy a test has seen.
type Class string

const (
	// ClassUnknown: neither the order nor the money was heard of.
	ClassUnknown Class = "unknown"
	// ClassOrdered: the order was heard of, and not the money.
	ClassOrdered Class = "ordered"
	// ClassPaid: the money was heard of, and not the order.
	ClassPaid     Class = "paid"
	ClassReserved Class = "reserved"
	ClassFailed   Class = "failed"
	// ClassTombstone: released before anything was reserved.
	ClassTombstone Class = "tombstone"
	ClassReleased  Class = "released"
	ClassShipped   Class = "shipped"
)

// Classes lists every class.
func Classes() []Class {
	return []Class{
		ClassUnknown, ClassOrdered, ClassPaid, ClassReserved, ClassFailed, ClassTombstone, ClassReleased, ClassShipped,
	}
}

// Class says which class the state is of.
func (r Reservation) Class() Class {
	switch {
	case r.Reached == StatusReleased && (!r.Ordered || !r.Paid):
		return ClassTombstone
	case r.Reached != "":
		return Class(r.Reached)
	case r.Ordered:
		return ClassOrdered
	case r.Paid:
		return ClassPaid
	}
	return ClassUnknown
}
