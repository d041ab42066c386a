package payment_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	"waybill.dev/services/payments"
	"waybill.dev/services/payments/payment"
)

const (
	tenant  = "acme"
	order   = "0192f0c1-0000-7000-8000-000000000001"
	secret  = payment.Token("tok_secret")
	payName = "pay_1"
)

var (
	now     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	expires = now.Add(7 * 24 * time.Hour)
	total   = contracts.Money{Amount: 4998, Currency: "EUR"}
	stream  = payment.Category.Stream(tenant, order)
)

// The past, as facts.
var (
	requested       = payment.Requested{Amount: total, Token: secret}
	requestedAtOnce = payment.Requested{Amount: total, Token: secret, CaptureAtOnce: true}
	authorized      = payment.Authorized{Amount: total, Payment: payName, ExpiresAt: expires}
	authorizedQuiet = payment.Authorized{Amount: total, Payment: payName, ExpiresAt: expires, AtOnce: true}
	captured        = payment.Captured{Amount: total, Payment: payName, Reference: "cap_1", ExpiresAt: expires}
	capturedAtOnce  = payment.Captured{Amount: total, Payment: payName, Reference: "cap_1", ExpiresAt: expires, AtOnce: true}
	refunded        = payment.Refunded{Amount: total, Payment: payName, Reference: "ref_1"}
	shipmentHeard   = payment.ShipmentHeard{}
	releaseHeard    = payment.WayBackHeard{Cause: payment.StockReleased}
)

func attempted(op payment.Operation, n int) payment.Attempted {
	return payment.Attempted{Operation: op, Number: n, Key: key(op, n), At: now}
}

func asks(op payment.Operation, n int) payment.Ask {
	return payment.Ask{Order: order, Operation: op, Number: n, Key: key(op, n)}
}

func key(op payment.Operation, n int) string {
	return fmt.Sprintf("%s/%s/%s/%d", tenant, order, op, n)
}

// given is the past of the order's payment.
func given(t *testing.T, past ...payment.Fact) *estest.Scenario {
	t.Helper()
	return estest.Given(t, payment.Category).Facts(facts(past...)...)
}

func facts(f ...payment.Fact) []es.Fact { return es.Facts(stream, f...) }

// done and refused are the provider's answers to the first attempt at an operation.
func done(op payment.Operation) payment.Outcome {
	o := payment.Outcome{Operation: op, Key: key(op, 0)}
	switch op {
	case payment.Authorize:
		o.Reference, o.ExpiresAt = payName, expires
	case payment.Capture:
		o.Reference = "cap_1"
	case payment.Void:
		o.Reference = "void_1"
	case payment.Refund:
		o.Reference = "ref_1"
	}
	return o
}

func refused(op payment.Operation, code string) payment.Outcome {
	return payment.Outcome{Operation: op, Key: key(op, 0), Code: code}
}

// events are an example of every event that payments hear, by the last word of its topic.
var events = map[string]contracts.Event{
	"order-placed": contracts.OrderPlaced{
		Total: total, Payment: contracts.PaymentMethod{Method: "card", Token: string(secret)},
	},
	"order-shipped":            contracts.OrderShipped{Carrier: "Simulated Parcel", TrackingNumber: "SP1", PickedUpAt: now},
	"stock-released":           contracts.StockReleased{},
	"stock-reservation-failed": contracts.StockReservationFailed{},
	"order-resolved":           contracts.OrderResolved{Outcome: "cancelled", ResolvedBy: "ops", Reason: "by hand"},
}

// react hands the event to the policy as it comes off the wire.
func react(tb testing.TB, e contracts.Event, settings payment.Settings) es.Command {
	tb.Helper()
	record, err := contracts.Message{
		ID: "0192f0c1-0000-7000-8000-00000000000a", Source: "/waybill/test", Subject: order, Time: now,
		Tenant: tenant, CorrelationID: "c", CausationID: "m", PartitionKey: order, Sequence: 1, Data: e,
	}.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	m, err := contracts.Decode(record.Headers, record.Value)
	if err != nil {
		tb.Fatal(err)
	}
	return payment.React(func(string) payment.Settings { return settings })(m, now)
}

// said is what the facts say to the other services, by the last word of the topic.
func said(facts []es.Fact) []string {
	var words []string
	for _, f := range facts {
		for _, e := range payments.Publish(es.Recorded{Stream: f.Stream, Event: f.Event}) {
			topic := e.Type().Topic()
			words = append(words, topic[strings.LastIndexByte(topic, '.')+1:])
		}
	}
	return words
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		want payment.Status
		past []payment.Fact
	}{
		{payment.StatusPending, []payment.Fact{requested, attempted(payment.Authorize, 0)}},
		{payment.StatusFailed, []payment.Fact{requested, payment.Refused{Operation: payment.Authorize, Code: "card_declined"}}},
		{payment.StatusAuthorized, []payment.Fact{requested, authorized}},
		{payment.StatusCaptured, []payment.Fact{requested, authorized, shipmentHeard, captured}},
		{payment.StatusRefunded, []payment.Fact{requested, authorized, captured, releaseHeard, refunded}},
		{payment.StatusVoided, []payment.Fact{requested, authorized, releaseHeard, payment.Voided{}}},
		{payment.StatusFailed, []payment.Fact{requestedAtOnce, authorizedQuiet, payment.Voided{FailedWith: "capture_refused"}}},
		{payment.StatusResolved, []payment.Fact{payment.ResolutionHeard{}}},
		{payment.StatusCaptured, []payment.Fact{requested, authorized, captured, payment.ResolutionHeard{}}},
	} {
		if got := payment.Category.Fold(payment.Payment{}, tc.past...).Status(); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.past, got, tc.want)
		}
	}
}

func TestEvolveLeavesThePastAsItWas(t *testing.T) {
	t.Parallel()
	before := payment.Category.Fold(payment.Payment{}, requested, attempted(payment.Authorize, 0))
	kept := payment.Category.Fold(payment.Payment{}, requested, attempted(payment.Authorize, 0))
	for _, f := range []payment.Fact{
		authorized, payment.Refused{Operation: payment.Authorize, Code: "x"}, attempted(payment.Void, 0),
		payment.RetryRequested{Operation: payment.Authorize},
	} {
		payment.Category.Fold(before, f, f)
		if diff := cmp.Diff(kept, before); diff != "" {
			t.Fatalf("%T changed the state it was given:\n%s", f, diff)
		}
	}
}

func TestTokenIsShownToNobody(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := payment.Category.Fold(payment.Payment{}, requested)
	slog.New(slog.NewTextHandler(&out, nil)).Info("payment", "state", p, "token", p.Token)
	fmt.Fprintf(&out, "%v %+v %#v %s", p, p, p, p.Token)
	if strings.Contains(out.String(), string(secret)) {
		t.Fatalf("the token is shown: %s", out.String())
	}
}
