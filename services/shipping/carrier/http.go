package carrier

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"waybill.dev/platform/outside"
	"waybill.dev/services/shipping/shipment"
)

// HTTP is the carrier over HTTP.
type HTTP struct {
	http   *outside.HTTP
	system *outside.System
}

// NewHTTP is the carrier at an absolute http or https URL.
func NewHTTP(base string) (*HTTP, error) {
	overHTTP, err := outside.NewHTTP("CARRIER_URL", base)
	if err != nil {
		return nil, err
	}
	return &HTTP{http: overHTTP, system: outside.NewSystem("carrier")}, nil
}

// System is the carrier as a system outside.
func (c *HTTP) System() *outside.System { return c.system }

// The carrier's API.
type (
	bookBody struct {
		Reference string           `json:"reference"`
		Address   shipment.Address `json:"address"`
		Lines     []shipment.Line  `json:"lines"`
	}
	booking struct {
		ID             string         `json:"id"`
		Status         shipment.State `json:"status"`
		Carrier        string         `json:"carrier"`
		TrackingNumber string         `json:"trackingNumber"`
		PickedUpAt     time.Time      `json:"pickedUpAt"`
		DeliveredAt    time.Time      `json:"deliveredAt"`
	}
	// tooLate answers a cancellation of what was picked up.
	tooLate struct {
		Booking booking `json:"booking"`
	}
)

// Book asks to fetch the parcel; see Carrier.
func (c *HTTP) Book(ctx context.Context, key string, p Parcel) (shipment.Report, error) {
	return c.ask(ctx, c.book(key, p))
}

// Cancel asks not to fetch it; see Carrier.
func (c *HTTP) Cancel(ctx context.Context, key, bookingID string) (shipment.Report, error) {
	return c.ask(ctx, c.cancel(key, bookingID))
}

// Find looks the booking up; see Carrier.
func (c *HTTP) Find(ctx context.Context, bookingID string) (shipment.Report, error) {
	return c.ask(ctx, c.find(bookingID))
}

// question is what is asked, and how answers to it are read.
type question struct {
	path string
	call func(ctx context.Context, path string) (outside.Answer, error)
	// refusals are the statuses that, with a code of the carrier's own, are a refusal for good.
	refusals []int
	// open is the state that a booking is in while what was asked for is still to be done: it answers nothing.
	open shipment.State
}

func (c *HTTP) book(key string, p Parcel) question {
	return question{
		path: "/v1/bookings", refusals: []int{http.StatusUnprocessableEntity},
		call: func(ctx context.Context, path string) (outside.Answer, error) {
			return c.http.Post(ctx, path, key, bookBody(p))
		},
	}
}

func (c *HTTP) cancel(key, bookingID string) question {
	return question{
		path:     "/v1/bookings/" + url.PathEscape(bookingID) + "/cancel",
		refusals: []int{http.StatusConflict, http.StatusUnprocessableEntity}, open: shipment.StateBooked,
		call: func(ctx context.Context, path string) (outside.Answer, error) {
			return c.http.Post(ctx, path, key, struct{}{})
		},
	}
}

func (c *HTTP) find(bookingID string) question {
	return question{path: "/v1/bookings/" + url.PathEscape(bookingID), call: c.http.Get}
}

// ask calls a few times.
func (c *HTTP) ask(ctx context.Context, q question) (shipment.Report, error) {
	report, err := outside.Ask(ctx, c.system, func() (shipment.Report, error) { return q.once(ctx) })
	if err == nil {
		// That nothing has changed is an answer too, which is nothing for the breaker to count.
		err = q.settled(report)
	}
	if err != nil {
		return shipment.Report{}, fmt.Errorf("%s: %w", q.path, err)
	}
	return report, nil
}

// once calls once.
func (q question) once(ctx context.Context) (shipment.Report, error) {
	a, err := q.call(ctx, q.path)
	if err != nil {
		return shipment.Report{}, err
	}
	return q.read(a)
}

// read is what an answer to the question means.
func (q question) read(a outside.Answer) (shipment.Report, error) {
	report, ok := told(a)
	switch {
	case ok:
		return report, nil
	case a.Code == alreadyPickedUp:
		// No refusal, even where the booking is not told.
		return shipment.Report{}, fmt.Errorf("%w: status %d without a booking", outside.ErrUnknown, a.Status)
	case slices.Contains(q.refusals, a.Status) && a.Code != "" && a.Code != keyReused:
		return shipment.Report{}, &RefusedError{a.Code}
	}
	return shipment.Report{}, a.Undecided()
}

// settled is nil where the report answers the question.
func (q question) settled(r shipment.Report) error {
	if r.State == q.open {
		return fmt.Errorf("%w: the booking is still %s", outside.ErrUnknown, q.open)
	}
	return nil
}

const (
	// alreadyPickedUp is the code of a cancellation that comes too late.
	alreadyPickedUp = "already_picked_up"
	// keyReused is the code of a key that was used for something else, which is our fault.
	keyReused = "key_reused"
)

// told is the report that the answer holds, where it holds one.
func told(a outside.Answer) (shipment.Report, bool) {
	var b booking
	var late tooLate
	switch {
	case a.OK() && a.Read(&b) == nil:
		return b.report()
	case a.Status == http.StatusConflict && a.Code == alreadyPickedUp && a.Read(&late) == nil:
		return late.Booking.report()
	}
	return shipment.Report{}, false
}

func (b booking) report() (shipment.Report, bool) {
	r := shipment.Report{
		Booking: shipment.Booking{ID: b.ID, Carrier: b.Carrier, TrackingNumber: b.TrackingNumber}, State: b.Status,
	}
	switch b.Status {
	case shipment.StateBooked, shipment.StateCancelled:
		return r, b.ID != ""
	case shipment.StatePickedUp:
		r.At = b.PickedUpAt
	case shipment.StateDelivered:
		r.At, r.PickedUpAt = b.DeliveredAt, b.PickedUpAt
	default:
		return r, false
	}
	return r, b.ID != "" && !r.At.IsZero()
}
