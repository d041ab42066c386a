package bench

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/simulators/carrier"
)

func TestWrongBookings(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	booking := func(reference string) carrier.Booking {
		return carrier.Booking{Reference: reference, PickedUpAt: &at}
	}
	placed := []order{{id: "a"}, {id: "b"}}
	if wrong := wrongBookings("shop", placed, []carrier.Booking{booking("shop/a"), booking("shop/b")}); wrong != nil {
		t.Errorf("all is right, but %q", wrong)
	}
	waits := booking("shop/a")
	waits.PickedUpAt = nil
	got := wrongBookings("shop", placed, []carrier.Booking{waits, booking("shop/d"), booking("shop/c"), booking("shop/d"), booking("shop/a")})
	want := []string{
		"the carrier has not picked up shop/a",
		"the carrier has 2 parcels for order a",
		"the carrier has 0 parcels for order b",
		"the carrier has a parcel for shop/c, which was never placed",
		"the carrier has a parcel for shop/d, which was never placed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
