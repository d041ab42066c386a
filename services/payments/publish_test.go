package payments

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/payments/payment"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	var (
		total   = contracts.Money{Amount: 4998, Currency: "EUR"}
		expires = time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)
	)
	for _, tc := range []struct {
		fact payment.Fact
		want []contracts.Event
	}{
		{payment.Requested{Amount: total, Token: "tok_ok"}, nil},
		{payment.ShipmentHeard{}, nil},
		{payment.WayBackHeard{Cause: payment.StockReleased}, nil},
		{payment.ResolutionHeard{}, nil},
		{payment.Attempted{Operation: payment.Capture}, nil},
		{payment.RetryRequested{Operation: payment.Capture, By: "operator"}, nil},
		{
			payment.Authorized{Amount: total, Payment: "pay_1", ExpiresAt: expires},
			[]contracts.Event{contracts.PaymentAuthorized{Amount: total, ProviderReference: "pay_1", ExpiresAt: expires}},
		},
		{payment.Authorized{Amount: total, Payment: "pay_1", ExpiresAt: expires, AtOnce: true}, nil},
		{
			payment.Captured{Amount: total, Payment: "pay_1", Reference: "cap_1", ExpiresAt: expires},
			[]contracts.Event{contracts.PaymentCaptured{Amount: total, ProviderReference: "pay_1"}},
		},
		{
			payment.Captured{Amount: total, Payment: "pay_1", Reference: "cap_1", ExpiresAt: expires, AtOnce: true},
			[]contracts.Event{
				contracts.PaymentAuthorized{Amount: total, ProviderReference: "pay_1", ExpiresAt: expires},
				contracts.PaymentCaptured{Amount: total, ProviderReference: "pay_1"},
			},
		},
		{
			payment.Refused{Operation: payment.Authorize, Code: "card_declined"},
			[]contracts.Event{contracts.PaymentFailed{Code: "card_declined"}},
		},
		{
			payment.Refused{Operation: payment.Refund, Code: "refund_refused", Attention: true},
			[]contracts.Event{contracts.PaymentAttentionRequired{Operation: "refund", Code: "refund_refused"}},
		},
		{payment.Refused{Operation: payment.Capture, Code: "capture_refused"}, nil},
		{payment.Voided{Reference: "void_1"}, []contracts.Event{contracts.PaymentVoided{}}},
		{
			payment.Voided{Reference: "void_1", FailedWith: "capture_refused"},
			[]contracts.Event{contracts.PaymentFailed{Code: "capture_refused"}},
		},
		{
			payment.Refunded{Amount: total, Payment: "pay_1", Reference: "ref_1"},
			[]contracts.Event{contracts.PaymentRefunded{Amount: total, ProviderReference: "pay_1"}},
		},
	} {
		if diff := cmp.Diff(tc.want, Publish(es.Recorded{Event: tc.fact})); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tc.fact, diff)
		}
	}
}
