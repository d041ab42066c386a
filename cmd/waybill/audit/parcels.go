package audit

import (
	"waybill.dev/services/shipping/shipment"
	"waybill.dev/simulators/carrier"
)

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
	theirs := shipment.Booking{ID: parcel.ID, Carrier: parcel.Carrier, TrackingNumber: parcel.TrackingNumber}
	for _, f := range a.Shipment {
		if picked, ok := f.Event.(shipment.PickedUp); ok && picked.Booking != theirs {
			a.find(BooksAgree, "the parcel that was picked up is %v for shipping, and %v for the carrier", picked.Booking, theirs)
		}
	}
	switch {
	case !s.BookingAsked:
		a.find(BooksAgree, "the carrier has the booking %s, which shipping never asked for", parcel.ID)
		return
	case s.IsBooked() && s.Booking != theirs:
		a.find(BooksAgree, "the booking is %v for shipping, and %v for the carrier", s.Booking, theirs)
		return
	case !s.IsBooked() && a.atRest():
		a.find(BooksAgree, "the carrier has the booking %s, and the shipment is %s", parcel.ID, s.Status())
		return
	case a.byHand() && !s.IsShipped():
		return // an operator may have settled it with the carrier
	}
	at := parcel.Status
	gone := at == carrier.PickedUp || at == carrier.Delivered
	switch {
	case s.IsShipped() && !gone, s.IsDelivered() && at != carrier.Delivered, s.Cancelled && at != carrier.Cancelled:
		a.find(BooksAgree, "the shipment is %s, and the carrier's parcel %s", s.Status(), at)
	case a.atRest() && a.order.Cancelled != nil && at == carrier.Booked:
		a.find(BooksAgree, "it is cancelled and rests, and the carrier is still to fetch the parcel of the booking %s", parcel.ID)
	case a.atRest() && !a.byHand() && ahead(s, at):
		a.find(BooksAgree, "the shipment is %s and rests, and the carrier's parcel is %s", s.Status(), at)
	}
}
