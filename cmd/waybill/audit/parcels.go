package audit

import "waybill.dev/simulators/carrier"

// checkParcels: the carrier has the one booking that shipping knows of, and is where shipping believes, or ahead.
func (a *account) checkParcels() {
	s := a.shipment
	if len(a.Parcels) > 1 {
		a.find(BooksAgree, "the carrier has %d bookings", len(a.Parcels))
		return
	}
	if len(a.Parcels) == 0 {
		if s.IsBooked() {
			a.find(BooksAgree, "shipping knows of the booking %s, and the carrier does not", s.Booking.ID)
		}
		return
	}
	parcel := a.Parcels[0]
	switch {
	case !s.BookingAsked:
		a.find(BooksAgree, "the carrier has the booking %s, which shipping never asked for", parcel.ID)
		return
	case s.IsBooked() && (s.Booking.ID != parcel.ID || s.Booking.TrackingNumber != parcel.TrackingNumber):
		a.find(BooksAgree, "the booking is %s (%s) for shipping, and %s (%s) for the carrier",
			s.Booking.ID, s.Booking.TrackingNumber, parcel.ID, parcel.TrackingNumber)
		return
	case !s.IsBooked() && a.atRest():
		a.find(BooksAgree, "the carrier has the booking %s, and the shipment is %s", parcel.ID, s.Status())
		return
	case a.byHand() && !s.IsShipped():
		return // an operator may have settled it with the carrier
	}
	theirs := parcel.Status
	gone := theirs == carrier.PickedUp || theirs == carrier.Delivered
	switch {
	case s.IsShipped() && !gone, s.IsDelivered() && theirs != carrier.Delivered, s.Cancelled && theirs != carrier.Cancelled:
		a.find(BooksAgree, "the shipment is %s, and the carrier's parcel %s", s.Status(), theirs)
	case a.atRest() && a.order.Cancelled != nil && theirs == carrier.Booked:
		a.find(BooksAgree, "it is cancelled and rests, and the carrier is still to fetch the parcel of the booking %s", parcel.ID)
	case a.atRest() && !a.byHand() && ahead(s, theirs):
		a.find(BooksAgree, "the shipment is %s and rests, and the carrier's parcel is %s", s.Status(), theirs)
	}
}
