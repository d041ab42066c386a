package gateway

import (
	"errors"
	"net/http"
	"regexp"
	"testing"

	"waybill.dev/platform/outside"
	"waybill.dev/services/payments/payment"
)

// Whatever the provider answers: it is done, under a name that it gives; or refused, with a code that may be shown; or no
// answer.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"id":"pay_1","expiresAt":"2026-03-04T10:00:00Z"}`, `{"id":"pay_1","expiresAt":"never"}`, `{"id":""}`, `{"code":"card_declined"}`,
		`{"code":"authorization_expired"}`, `{"code":"Dear Ada"}`, `{"id":"pay_1","code":"card_declined"}`, `{"Code":"x","ID":"y"}`, `null`, ``, `[1]`,
	} {
		for _, status := range []int{200, 204, 402, 409, 422, 503} {
			f.Add(status, []byte(body))
		}
	}
	aCode := regexp.MustCompile(`^[a-z0-9_.-]{1,64}$`)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for _, op := range []payment.Operation{payment.Authorize, payment.Capture, payment.Void, payment.Refund} {
			outcome, err := Request{Operation: op, Key: "k"}.read(outside.NewAnswer(status, body))
			switch {
			case err != nil:
				if outcome != (payment.Outcome{}) || !errors.Is(err, outside.ErrUnknown) && !errors.Is(err, outside.ErrRejected) {
					t.Errorf("%d %q: %+v, %v", status, body, outcome, err)
				}
			case outcome.Operation != op || outcome.Key != "k" || (outcome.Code == "") == (outcome.Reference == ""):
				t.Errorf("%d %q is %+v", status, body, outcome)
			case outcome.Code == "" && (status < 200 || status > 299):
				t.Errorf("%d %q is a yes", status, body)
			case outcome.Code != "" && (!aCode.MatchString(outcome.Code) || status != http.StatusPaymentRequired && status != http.StatusUnprocessableEntity):
				t.Errorf("%d %q is a no: %q", status, body, outcome.Code)
			}
		}
	})
}
