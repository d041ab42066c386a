// Package carrier asks the carrier to fetch parcels, or not to.
package carrier

import (
	"context"
	"fmt"

	"waybill.dev/services/shipping/shipment"
)

// Carrier fetches parcels. It does what is asked once for a key, and gives the same answer ever after.
//
// An answer is a report, or a *RefusedError for good. Any other error says that there is no answer yet, and that the same
// is to be asked again under the same key: it is outside.ErrUnknown or outside.ErrRejected, and neither means that nothing
// was done. No error tells an address.
type Carrier interface {
	// Book asks to fetch the parcel.
	Book(ctx context.Context, key string, p Parcel) (shipment.Report, error)
	// Cancel asks not to fetch it. That it was fetched already is a report, and no refusal; that it is
	// booked is no answer.
	Cancel(ctx context.Context, key, bookingID string) (shipment.Report, error)
	// Find looks the booking up.
	Find(ctx context.Context, bookingID string) (shipment.Report, error)
}

// Parcel is what is to be fetched.
type Parcel struct {
	// Reference is our name of the booking, "{tenant}/{order}"; the carrier repeats it in its webhooks.
	Reference string
	Address   shipment.Address
	Lines     []shipment.Line
}

// RefusedError says that the carrier will not do it, now or later.
type RefusedError struct {
	// Code is machine-readable and fit for events and logs.
	Code string
}

func (r *RefusedError) Error() string { return fmt.Sprintf("the carrier refuses: %s", r.Code) }
