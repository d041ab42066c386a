package shipment

// Class is what a shipment's state comes to where a new fact meets it: the states of a class are treated alike. It
// tells how much of the policy a test has seen.
type Class string

const (
	// ClassUnknown: neither the order nor its stock was heard of.
	ClassUnknown Class = "unknown"
	// ClassOrdered: the order was heard of, and not its stock.
	ClassOrdered Class = "ordered"
	// ClassReserved: the stock was heard of, and not the order.
	ClassReserved Class = "reserved"
	ClassBooking  Class = "booking"
	// ClassStopping: a cancellation was heard while the carrier had not answered the booking.
	ClassStopping   Class = "stopping"
	ClassBooked     Class = "booked"
	ClassCancelling Class = "cancelling"
	// ClassAttention: a person must look.
	ClassAttention Class = "attention"
	ClassShipped   Class = "shipped"
	ClassDelivered Class = "delivered"
	ClassCancelled Class = "cancelled"
	// ClassTombstone: cancelled before the carrier was asked.
	ClassTombstone Class = "tombstone"
	ClassFailed    Class = "failed"
	// ClassResolved: settled by hand before the parcel had an end.
	ClassResolved Class = "resolved"
)

// Classes lists every class.
func Classes() []Class {
	return []Class{
		ClassUnknown, ClassOrdered, ClassReserved, ClassBooking, ClassStopping, ClassBooked, ClassCancelling, ClassAttention,
		ClassShipped, ClassDelivered, ClassCancelled, ClassTombstone, ClassFailed, ClassResolved,
	}
}

// Class says which class the state is of.
func (s Shipment) Class() Class {
	switch {
	case s.IsDelivered():
		return ClassDelivered
	case s.IsShipped():
		return ClassShipped
	case s.Cancelled && !s.BookingAsked:
		return ClassTombstone
	case s.Cancelled:
		return ClassCancelled
	case s.HasFailed():
		return ClassFailed
	case s.Resolved:
		return ClassResolved
	case s.NeedsAttention():
		return ClassAttention
	case s.Asking.Operation == Cancel:
		return ClassCancelling
	case s.Asking.Operation == Book && s.CancellationHeard:
		return ClassStopping
	case s.Asking.Operation == Book:
		return ClassBooking
	case s.IsBooked():
		return ClassBooked
	case s.OrderHeard:
		return ClassOrdered
	case s.StockReserved:
		return ClassReserved
	}
	return ClassUnknown
}
