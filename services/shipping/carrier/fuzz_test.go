package carrier

import (
	"errors"
	"net/http"
	"regexp"
	"testing"

	"waybill.dev/platform/outside"
	"waybill.dev/services/shipping/shipment"
)

// Whatever the carrier answers: it is a report of a booking, a refusal with a code that may be shown, or no answer.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"id":"b","status":"booked","carrier":"C","trackingNumber":"T"}`, `{"id":"b","status":"picked_up","pickedUpAt":"2026-03-04T10:00:00Z"}`,
		`{"id":"b","status":"delivered"}`, `{"id":"","status":"cancelled"}`, `{"code":"already_picked_up","booking":{"id":"b","status":"picked_up","pickedUpAt":"2026-03-04T10:00:00Z"}}`,
		`{"code":"address_not_served"}`, `{"code":"key_reused"}`, `{"code":"Dear Ada"}`, `null`, ``, `[1]`, `{"id":{"a":1}}`,
	} {
		for _, status := range []int{200, 409, 422, 503} {
			f.Add(status, []byte(body))
		}
	}
	c, err := NewHTTP("http://carrier.example")
	if err != nil {
		f.Fatal(err)
	}
	aCode := regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for _, q := range []question{c.book("k", Parcel{}), c.cancel("k", "b"), c.find("b")} {
			report, err := q.read(outside.NewAnswer(status, body))
			var refused *RefusedError
			switch {
			case err == nil:
				gone := report.State == shipment.StatePickedUp || report.State == shipment.StateDelivered
				if report.ID == "" || gone && report.At.IsZero() {
					t.Errorf("%d %q is %+v", status, body, report)
				}
			case errors.As(err, &refused):
				if !aCode.MatchString(refused.Code) || status != http.StatusConflict && status != http.StatusUnprocessableEntity {
					t.Errorf("%d %q is a refusal: %q", status, body, refused.Code)
				}
			case !errors.Is(err, outside.ErrUnknown) && !errors.Is(err, outside.ErrRejected):
				t.Errorf("%d %q: %v", status, body, err)
			}
			if err != nil && (report != shipment.Report{}) {
				t.Errorf("%d %q is %+v and %v", status, body, report, err)
			}
		}
	})
}
