package carrier

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"

	"waybill.dev/platform/outside"
	"waybill.dev/services/shipping/shipment"
)

// maximalAnswer is far more than a carrier's answer has, in bytes.
const maximalAnswer = 64 << 10

// HTTP is the carrier over HTTP.
type HTTP struct {
	base   string
	client *http.Client
	system *outside.System[shipment.Report]
}

// NewHTTP is the carrier at an absolute http or https URL.
func NewHTTP(base string) (*HTTP, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("CARRIER_URL: %q is no http or https URL", base)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64 // the jobs that ask at the same time
	return &HTTP{
		base: strings.TrimSuffix(u.String(), "/"),
		client: &http.Client{
			Transport: transport,
			Timeout:   outside.CallTimeout,
			// An address is not carried to wherever an answer points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		system: outside.NewSystem[shipment.Report](),
	}, nil
}

// Open says whether the carrier has been silent so often that it is not asked for a while.
func (c *HTTP) Open() bool { return c.system.Open() }

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
	// answer is a booking, or the machine-readable reason of whatever is not a 2xx, with the booking where the
	// carrier tells it.
	answer struct {
		booking
		Code    string  `json:"code"`
		Subject booking `json:"booking"`
	}
)

// Book asks to fetch the parcel; see Carrier.
func (c *HTTP) Book(ctx context.Context, key string, p Parcel) (shipment.Report, error) {
	return c.ask(ctx, http.MethodPost, "/v1/bookings", key, bookBody(p), func(status int, a answer) error {
		if status == http.StatusUnprocessableEntity && isRefusal(a.Code) {
			return &RefusedError{a.Code}
		}
		return nil
	})
}

// Cancel asks not to fetch it; see Carrier.
func (c *HTTP) Cancel(ctx context.Context, key, bookingID string) (shipment.Report, error) {
	path := "/v1/bookings/" + url.PathEscape(bookingID) + "/cancel"
	return c.ask(ctx, http.MethodPost, path, key, struct{}{}, func(status int, a answer) error {
		if (status == http.StatusConflict || status == http.StatusUnprocessableEntity) && isRefusal(a.Code) {
			return &RefusedError{a.Code}
		}
		return nil
	})
}

// Find looks the booking up; see Carrier.
func (c *HTTP) Find(ctx context.Context, bookingID string) (shipment.Report, error) {
	return c.ask(ctx, http.MethodGet, "/v1/bookings/"+url.PathEscape(bookingID), "", nil,
		func(int, answer) error { return nil })
}

// ask asks a few times. refused tells the error of an answer that is a refusal for good.
func (c *HTTP) ask(ctx context.Context, method, path, key string, body any, refused func(int, answer) error) (shipment.Report, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return shipment.Report{}, err
	}
	report, err := c.system.Ask(ctx, func() (shipment.Report, error) {
		status, said, err := c.call(ctx, method, path, key, encoded)
		if err != nil {
			return shipment.Report{}, err
		}
		if report, ok := told(status, said); ok {
			return report, nil
		}
		if err := refused(status, said); err != nil {
			return shipment.Report{}, err
		}
		return shipment.Report{}, noAnswer(status, said)
	})
	if err != nil {
		return shipment.Report{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return report, nil
}

func (c *HTTP) call(ctx context.Context, method, path, key string, body []byte) (int, answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, answer{}, err
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", key)
	} else {
		request.Body, request.ContentLength = http.NoBody, 0
	}
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(request.Header))
	response, err := c.client.Do(request)
	if err != nil {
		return 0, answer{}, fmt.Errorf("%w: %w", outside.ErrUnknown, err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maximalAnswer))
	var said answer
	if err != nil || json.Unmarshal(data, &said) != nil {
		said = answer{} // the status speaks for itself
	}
	return response.StatusCode, said, nil
}

// alreadyPickedUp is the code of a cancellation that comes too late.
const alreadyPickedUp = "already_picked_up"

// told is the report that the answer holds, where it holds one.
func told(status int, a answer) (shipment.Report, bool) {
	switch {
	case status >= 200 && status < 300:
		return a.report()
	case status == http.StatusConflict && a.Code == alreadyPickedUp:
		return a.Subject.report()
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

// aCode is what may go into events and logs as a refusal's code.
var aCode = regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)

// isRefusal says whether the code is a reason of the carrier's own. A key that was used for something else is our
// fault, and a pick-up is no refusal even where its booking is not told.
func isRefusal(code string) bool {
	return aCode.MatchString(code) && code != "key_reused" && code != alreadyPickedUp
}

// noAnswer is the error of an answer that decides nothing. What is not certain is unknown.
func noAnswer(status int, a answer) error {
	switch {
	case status < 300 || a.Code == alreadyPickedUp:
		return fmt.Errorf("%w: status %d without a booking", outside.ErrUnknown, status)
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500:
		return fmt.Errorf("%w: status %d", outside.ErrUnknown, status)
	case aCode.MatchString(a.Code):
		return fmt.Errorf("%w: status %d, %s", ErrRejected, status, a.Code)
	}
	return fmt.Errorf("%w: status %d", ErrRejected, status)
}
