package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/contracts"
	"waybill.dev/services/payments/gateway"
	"waybill.dev/services/payments/payment"
	shipping "waybill.dev/services/shipping/carrier"
	"waybill.dev/services/shipping/shipment"
	"waybill.dev/simulators/carrier"
	"waybill.dev/simulators/provider"
)

// runs is a server that runs until the test ends.
func runs(t *testing.T, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// outside reads the books of a simulator.
func outside(name, url string) *client.Client {
	return client.New(suite.Description{Simulators: map[string]string{name: url}}).ForTenant("acme")
}

// TestTheProvider: the provider in memory answers, and keeps books, as the one that the services are run against.
func TestTheProvider(t *testing.T) {
	t.Parallel()
	for _, lifetime := range []time.Duration{time.Hour, time.Nanosecond} {
		server, err := provider.New(provider.Config{Listen: "127.0.0.1:0", AuthorizationLifetime: lifetime})
		if err != nil {
			t.Fatal(err)
		}
		runs(t, server.Run)
		real, err := gateway.NewProvider(server.URL())
		if err != nil {
			t.Fatal(err)
		}
		books := outside(suite.Provider, server.URL())
		random := rand.New(rand.NewPCG(1, 2))
		for order := range 60 {
			token := []provider.Token{provider.TokenOK, provider.TokenDeclined, provider.TokenRefuseCapture, provider.TokenRefuseVoid, provider.TokenRefuseRefund}[order%5]
			s := script{lifetime: lifetime, refuses: [][]payment.Operation{
				nil, {payment.Authorize}, {payment.Capture}, {payment.Void}, {payment.Refund},
			}[order%5]}
			compareProviders(t, random, real, books, fmt.Sprintf("o-%d", order), token, s)
		}
	}
}

func compareProviders(t *testing.T, random *rand.Rand, real gateway.Gateway, books *client.Client, order string, token provider.Token, s script) {
	t.Helper()
	simulated, reference, amount := newCharges(), "acme/"+order, contracts.Money{Amount: 500, Currency: "EUR"}
	var ours, theirs string // the names of the payment
	for i, op := range append([]payment.Operation{payment.Authorize}, make([]payment.Operation, 8)...) {
		if i > 0 {
			op = []payment.Operation{payment.Capture, payment.Void, payment.Refund}[random.IntN(3)]
		}
		key := fmt.Sprintf("%s/%s/%d", reference, op, random.IntN(3)) // the same one now and then
		answered, err := real.Do(t.Context(), gateway.Request{Operation: op, Key: key, Reference: reference, Payment: theirs, Amount: amount, Token: payment.Token(token)})
		if err != nil {
			t.Fatal(err)
		}
		got, err := simulated.do(request{operation: op, key: key, reference: reference, payment: ours, amount: amount}, s, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if got.Code != answered.Code || got.Operation != answered.Operation || got.Key != answered.Key {
			t.Errorf("%s with %s: %+v, and really %+v", key, token, got, answered)
		}
		if i == 0 {
			if ours, theirs = got.Reference, answered.Reference; answered.Code != "" {
				break
			}
		}
	}
	want, err := books.ProviderPayments(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	got := simulated.books(reference, time.Now())
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(provider.Payment{}, "ID", "ExpiresAt"), cmpopts.IgnoreFields(provider.OperationRecord{}, "At")); diff != "" {
		t.Errorf("books of %s with %s (-real +simulated):\n%s", order, token, diff)
	}
}

// TestTheCarrier: the carrier in memory likewise.
func TestTheCarrier(t *testing.T) {
	t.Parallel()
	server, err := carrier.New(carrier.Config{Listen: "127.0.0.1:0", PickUpAfter: time.Hour, DeliverAfter: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	runs(t, server.Run)
	real, err := shipping.NewHTTP(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	books := outside(suite.Carrier, server.URL())
	random := rand.New(rand.NewPCG(3, 4))
	for order := range 60 {
		code := []string{carrier.PostalCodeManual, carrier.PostalCodeKept, carrier.PostalCodeRefused}[order%3]
		s := script{cancelRefused: code == carrier.PostalCodeKept, bookingRefused: code == carrier.PostalCodeRefused}
		compareCarriers(t, random, real, books, fmt.Sprintf("o-%d", order), code, s)
	}
}

func compareCarriers(t *testing.T, random *rand.Rand, real shipping.Carrier, books *client.Client, order, code string, s script) {
	t.Helper()
	simulated, reference := newParcels(), "acme/"+order
	same := func(what string, got told, report shipment.Report, err error) {
		t.Helper()
		var refused *shipping.RefusedError
		switch {
		case err != nil && !errors.As(err, &refused):
			t.Fatalf("%s: %v", what, err)
		case refused != nil && got.code != refused.Code, refused == nil && (got.code != "" || got.report.State != report.State):
			t.Errorf("%s in %s: %+v, and really %+v, %v", what, code, got, report, err)
		}
	}
	var ours, theirs string
	for i := range 8 {
		switch step := random.IntN(4); {
		case i == 0 || step == 0:
			got, made := simulated.book(reference+"/book/0", reference, s, time.Now())
			report, err := real.Book(t.Context(), reference+"/book/0", shipping.Parcel{
				Reference: reference, Address: shipment.Address{Name: "A", Line1: "1", City: "B", PostalCode: code, Country: "DE"},
				Lines: []shipment.Line{{SKU: "CUP", Quantity: 1}},
			})
			same("book", got, report, err)
			if made != nil {
				ours, theirs = made.ID, report.ID
			}
		case ours == "":
		case step == 1:
			key := fmt.Sprintf("%s/cancel/%d", reference, random.IntN(2))
			got, _ := simulated.cancel(key, ours)
			report, err := real.Cancel(t.Context(), key, theirs)
			same(key, got, report, err)
		default:
			to, tell := carrier.PickedUp, books.PickUp
			if step == 2 {
				to, tell = carrier.Delivered, books.Deliver
			}
			// What cannot be moved any more is refused with a problem, and stays where it is.
			if moved := simulated.byID[ours].move(to, time.Now()); tell(t.Context(), theirs) != nil && moved {
				t.Errorf("%s of %s moves, and really does not", to, order)
			}
		}
	}
	want, err := books.CarrierBookings(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	if len(simulated.byID) != len(want) {
		t.Fatalf("%d bookings, and really %d", len(simulated.byID), len(want))
	}
	if got := simulated.books(reference); !slices.EqualFunc(want, got, func(a, b carrier.Booking) bool { return a.Status == b.Status && a.Reference == b.Reference }) {
		t.Errorf("books of %s in %s: %+v, and really %+v", order, code, got, want)
	}
}
