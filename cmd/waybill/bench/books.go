package bench

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/simulators/carrier"
)

// disagreements compares the provider's books, the carrier's and the stock with the orders that were placed, all of
// which should have been completed.
func disagreements(ctx context.Context, shop *client.Client, placed []order, received int64) ([]string, error) {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }

	payments, err := shop.ProviderPayments(ctx, "")
	if err != nil {
		return nil, err
	}
	var captured int64
	for _, p := range payments {
		captured += p.Captured - p.Refunded
		if p.Held {
			say("the provider still holds money for %s", p.Reference)
		}
	}
	if want := price * int64(len(placed)); captured != want || len(payments) != len(placed) {
		say("the provider has %d payments of %d in all; %d orders cost %d", len(payments), captured, len(placed), want)
	}

	bookings, err := shop.CarrierBookings(ctx, "")
	if err != nil {
		return nil, err
	}
	wrong = append(wrong, wrongBookings(shop.Tenant(), placed, bookings)...)

	levels, err := shop.AllStock(ctx)
	if err != nil {
		return nil, err
	}
	var onHand, reserved int64
	for _, l := range levels {
		onHand, reserved = onHand+l.OnHand, reserved+l.Reserved
	}
	if onHand != received-int64(len(placed)) || reserved != 0 {
		say("%d received and %d sold leave %d on the shelves and %d reserved", received, len(placed), onHand, reserved)
	}
	if len(wrong) > failuresShown {
		wrong = append(wrong[:failuresShown], "…")
	}
	return wrong, nil
}

// wrongBookings holds the carrier's books of the tenant against the orders that were placed: a parcel for each, and none
// besides.
func wrongBookings(tenant string, placed []order, bookings []carrier.Booking) (wrong []string) {
	parcels := map[string]int{}
	for _, b := range bookings {
		parcels[b.Reference]++
		if b.PickedUpAt == nil {
			wrong = append(wrong, "the carrier has not picked up "+b.Reference)
		}
	}
	for _, o := range placed {
		reference := tenant + "/" + o.id
		if n := parcels[reference]; n != 1 {
			wrong = append(wrong, fmt.Sprintf("the carrier has %d parcels for order %s", n, o.id))
		}
		delete(parcels, reference)
	}
	for _, reference := range slices.Sorted(maps.Keys(parcels)) {
		wrong = append(wrong, "the carrier has a parcel for "+reference+", which was never placed")
	}
	return wrong
}
