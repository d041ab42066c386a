package ways

import (
	"context"
	"errors"
	"fmt"

	"waybill.dev/cmd/waybill/client"
)

func cancel(ctx context.Context, w *Walk) error {
	_, err := w.Shop.Cancel(ctx, w.Order, "changed my mind")
	return err
}

func cancelAtOnce(ctx context.Context, w *Walk) error { return cancel(ctx, w) }

// cancelWhenReserved cancels while the carrier has been asked and has not answered.
func cancelWhenReserved(ctx context.Context, w *Walk) error {
	if err := w.awaitShipment(ctx, "booking"); err != nil {
		return err
	}
	return cancel(ctx, w)
}

func cancelWhenBooked(ctx context.Context, w *Walk) error {
	if err := w.awaitShipment(ctx, "booked"); err != nil {
		return err
	}
	return cancel(ctx, w)
}

// cancelWhenShipped has the parcel picked up, cancels before the money is captured, and has it delivered.
func cancelWhenShipped(ctx context.Context, w *Walk) error {
	if err := w.awaitShipment(ctx, "booked"); err != nil {
		return err
	}
	booking, err := w.booking(ctx)
	if err != nil {
		return err
	}
	if err := w.Shop.PickUp(ctx, booking); err != nil {
		return err
	}
	if err := w.awaitShipment(ctx, "shipped"); err != nil {
		return err
	}
	if err := cancel(ctx, w); err != nil {
		return err
	}
	return w.Shop.Deliver(ctx, booking)
}

// awaitDeadline is nobody doing anything, until the order itself asks to be cancelled.
func awaitDeadline(ctx context.Context, w *Walk) error {
	return client.Await(ctx, func(ctx context.Context) error {
		o, err := w.Shop.Order(ctx, w.Order)
		if err == nil && (o.Cancellation == nil || o.Cancellation.RequestedBy != "deadline") {
			err = fmt.Errorf("order %s is %s, and no deadline has asked for its cancellation", w.Order, o.Status)
		}
		return err
	})
}

// retryPayment is an operator who sees attention on an order of that status, has the provider's refusal lifted, and
// tries again.
func retryPayment(status string) func(context.Context, *Walk) error {
	return func(ctx context.Context, w *Walk) error {
		if _, err := w.Shop.AwaitStatus(ctx, w.Order, status, true); err != nil {
			return err
		}
		if err := w.Shop.AllowPayment(ctx, w.Order); err != nil {
			return err
		}
		_, err := w.Shop.RetryPayment(ctx, w.Order)
		return err
	}
}

// retryCancellation is an operator who sees that the carrier will not cancel, talks to it, and tries again.
func retryCancellation(ctx context.Context, w *Walk) error {
	if err := cancelWhenBooked(ctx, w); err != nil {
		return err
	}
	if _, err := w.Shop.AwaitStatus(ctx, w.Order, client.StatusCancelling, true); err != nil {
		return err
	}
	booking, err := w.booking(ctx)
	if err != nil {
		return err
	}
	if err := w.Shop.AllowCancellation(ctx, booking); err != nil {
		return err
	}
	_, err = w.Shop.RetryShipment(ctx, w.Order)
	return err
}

// resolve is an operator who gives the money back by other means and settles the order by hand.
func resolve(ctx context.Context, w *Walk) error {
	if _, err := w.Shop.AwaitStatus(ctx, w.Order, client.StatusCancelling, true); err != nil {
		return err
	}
	_, err := w.Shop.Resolve(ctx, w.Order, client.Resolution{
		Outcome: client.StatusCancelled, ResolvedBy: "operator", Reason: "refunded by bank transfer",
	})
	return err
}

func (w *Walk) awaitShipment(ctx context.Context, status string) error {
	return client.Await(ctx, func(ctx context.Context) error {
		s, err := w.Shop.Shipment(ctx, w.Order)
		if err == nil && s.Status != status {
			err = fmt.Errorf("shipment of %s is %s, not %s", w.Order, s.Status, status)
		}
		return err
	})
}

// booking is the id of the order's booking at the carrier.
func (w *Walk) booking(ctx context.Context) (string, error) {
	bookings, err := w.Shop.CarrierBookings(ctx, w.Order)
	if err != nil {
		return "", err
	}
	if len(bookings) != 1 {
		return "", errors.New("the carrier has no booking of the order, or several")
	}
	return bookings[0].ID, nil
}
