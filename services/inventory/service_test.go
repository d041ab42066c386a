package inventory_test

import (
	"fmt"
	"strings"
	"testing"

	"waybill.dev/contracts"
	"waybill.dev/platform/servicetest"
	"waybill.dev/services/inventory"
)

// HTTP and Kafka in, Kafka out. Hears tells every event more than once.

// placed is order-placed with one line a SKU.
func placed(quantity int64, skus ...string) contracts.OrderPlaced {
	e := contracts.OrderPlaced{
		Customer: contracts.Customer{ID: "c-1", Name: "Ada", Email: "ada@secret.example"},
		Payment:  contracts.PaymentMethod{Method: "card", Token: "tok_secret"},
	}
	for _, sku := range skus {
		e.Lines = append(e.Lines, contracts.OrderLine{SKU: sku, Name: "a thing", Quantity: quantity})
	}
	return e
}

func (s shop) stocks(t *testing.T, sku string, quantity int64) {
	t.Helper()
	s.expect(t, post("/v1/stock/"+sku+"/receipts", fmt.Sprintf(`{"quantity": %d, "reference": "opening"}`, quantity)), 201, "")
}

func (s shop) expectLevel(t *testing.T, sku string, onHand, reserved int64) {
	t.Helper()
	s.expect(t, get("/v1/stock/"+sku), 200,
		fmt.Sprintf(`{"sku": %q, "onHand": %d, "reserved": %d, "available": %d}`, sku, onHand, reserved, onHand-reserved))
}

// expectReservation waits until the order's reservation has the status.
func (s shop) expectReservation(t *testing.T, order, status string) inventory.Reservation {
	t.Helper()
	var r inventory.Reservation
	servicetest.Eventually(t, func() bool {
		answer := s.call(t, get("/v1/reservations/"+order))
		if answer.Status != 200 {
			return false
		}
		r = inventory.Reservation{}
		answer.JSON(t, &r)
		return r.Status == status
	}, func() string { return fmt.Sprintf("%s is not %s: %+v", order, status, r) })
	return r
}

func TestService(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, test := range map[string]func(*testing.T, shop){
		"shipped":             testShipped,
		"short":               testShort,
		"shipping-failed":     testShippingFailed,
		"way-back-first":      testWayBackFirst,
		"settled-by-hand":     testSettledByHand,
		"malformed-is-parked": testMalformedIsParked,
		"tenants-apart":       testTenantsApart,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, shop{s, name})
		})
	}
	t.Cleanup(func() {
		for _, secret := range []string{"tok_secret", "ada@secret.example"} {
			if strings.Contains(s.Log.String(), secret) {
				t.Errorf("the log holds %s", secret)
			}
		}
	})
}

func testShipped(t *testing.T, s shop) {
	t.Helper()
	s.stocks(t, "mug", 5)
	s.stocks(t, "cup", 2)
	order := s.Order(s.tenant)

	order.Hears(t, placed(2, "mug", "cup"))
	r := s.expectReservation(t, order.ID, "waiting")
	if len(r.Lines) != 2 || r.Lines[0] != (inventory.Line{SKU: "mug", Quantity: 2}) || len(r.Shortages) != 0 {
		t.Errorf("shown: %+v", r)
	}
	s.expectLevel(t, "mug", 5, 0)

	order.Hears(t, contracts.PaymentAuthorized{})
	order.Says(t, []contracts.Event{contracts.StockReserved{}})
	s.expectReservation(t, order.ID, "reserved")
	s.expectLevel(t, "mug", 5, 2)
	s.expect(t, post("/v1/stock/mug/adjustments", `{"quantity": -4, "reason": "broken"}`), 409, "")
	said := order.Said()[0]
	if said.PartitionKey != order.ID || said.Tenant != s.tenant || said.Source != "/waybill/inventory" || said.CorrelationID != "correlation-"+order.ID {
		t.Errorf("envelope: %+v", said)
	}

	order.Hears(t, contracts.OrderShipped{Carrier: "c", TrackingNumber: "t"})
	s.expectReservation(t, order.ID, "shipped")
	s.expectLevel(t, "mug", 3, 0)
	s.expectLevel(t, "cup", 0, 0)
	order.Says(t, []contracts.Event{contracts.StockReserved{}})
}

func testShort(t *testing.T, s shop) {
	t.Helper()
	s.stocks(t, "mug", 5)
	s.stocks(t, "cup", 1)
	order := s.Order(s.tenant)
	order.Hears(t, contracts.PaymentAuthorized{}, placed(2, "mug", "cup", "unheard-of"))
	order.Says(t, []contracts.Event{contracts.StockReservationFailed{Shortages: []contracts.Shortage{
		{SKU: "cup", Wanted: 2, Available: 1}, {SKU: "unheard-of", Wanted: 2, Available: 0},
	}}})
	r := s.expectReservation(t, order.ID, "failed")
	if len(r.Shortages) != 2 || r.Shortages[0] != (inventory.Shortage{SKU: "cup", Wanted: 2, Available: 1}) {
		t.Errorf("shown: %+v", r)
	}
	s.expectLevel(t, "mug", 5, 0)
	s.expect(t, get("/v1/stock/unheard-of"), 404, "")
}

func testShippingFailed(t *testing.T, s shop) {
	t.Helper()
	s.stocks(t, "mug", 5)
	order := s.Order(s.tenant)
	order.Hears(t, placed(2, "mug"), contracts.PaymentAuthorized{})
	order.Says(t, []contracts.Event{contracts.StockReserved{}})
	order.Hears(t, contracts.ShippingFailed{Code: "address_not_served"})
	order.Says(t, []contracts.Event{contracts.StockReserved{}, contracts.StockReleased{}})
	s.expectReservation(t, order.ID, "released")
	s.expectLevel(t, "mug", 5, 0)
}

// Cancelled before inventory has heard of the order: it is answered at once, and remembered.
func testWayBackFirst(t *testing.T, s shop) {
	t.Helper()
	s.stocks(t, "mug", 5)
	order := s.Order(s.tenant)
	order.Hears(t, contracts.ShipmentCancelled{})
	order.Says(t, []contracts.Event{contracts.StockReleased{}})
	order.Hears(t, contracts.PaymentAuthorized{}, placed(2, "mug"))
	servicetest.Eventually(t, func() bool { return len(s.expectReservation(t, order.ID, "released").Lines) == 1 },
		func() string { return "the late order is not noted" })
	s.expectLevel(t, "mug", 5, 0)
	order.Says(t, []contracts.Event{contracts.StockReleased{}})
}

func testSettledByHand(t *testing.T, s shop) {
	t.Helper()
	s.stocks(t, "mug", 5)
	completed, cancelled := s.Order(s.tenant), s.Order(s.tenant)
	for _, order := range []servicetest.Order{completed, cancelled} {
		order.Hears(t, placed(2, "mug"), contracts.PaymentAuthorized{})
		order.Says(t, []contracts.Event{contracts.StockReserved{}})
	}
	completed.Hears(t, contracts.OrderResolved{Outcome: "completed", ResolvedBy: "ops", Reason: "fetched"})
	cancelled.Hears(t, contracts.OrderResolved{Outcome: "cancelled", ResolvedBy: "ops", Reason: "lost"})
	s.expectReservation(t, completed.ID, "shipped")
	s.expectReservation(t, cancelled.ID, "released")
	s.expectLevel(t, "mug", 3, 0)
	cancelled.Says(t, []contracts.Event{contracts.StockReserved{}})
}

// A message that makes no sense is kept, and holds nobody up.
func testMalformedIsParked(t *testing.T, s shop) {
	t.Helper()
	s.stocks(t, "mug", 5)
	bad, good := s.Order(s.tenant), s.Order(s.tenant)
	bad.Produce(t, bad.Message(contracts.OrderPlaced{}))
	good.Hears(t, placed(1, "mug"), contracts.PaymentAuthorized{})
	good.Says(t, []contracts.Event{contracts.StockReserved{}})
	var parked []byte
	servicetest.Eventually(t, func() bool {
		parked = s.call(t, get("/v1/parked")).Body
		return strings.Contains(string(parked), bad.ID) && strings.Contains(string(parked), "the order has no lines")
	}, func() string { return "not parked: " + string(parked) })
	s.expect(t, get("/v1/reservations/"+bad.ID), 404, "")
}

func testTenantsApart(t *testing.T, s shop) {
	t.Helper()
	s.stocks(t, "mug", 5)
	order := s.Order(s.tenant)
	order.Hears(t, placed(2, "mug"), contracts.PaymentAuthorized{})
	s.expectReservation(t, order.ID, "reserved")
	theirs := shop{s.Service, "others"}
	theirs.expect(t, get("/v1/reservations/"+order.ID), 404, "")
	theirs.expect(t, get("/v1/stock/mug"), 404, "")
	sameID := servicetest.Order{Service: s.Service, Tenant: theirs.tenant, ID: order.ID}
	sameID.Hears(t, placed(2, "mug"), contracts.PaymentAuthorized{})
	sameID.Says(t, []contracts.Event{contracts.StockReservationFailed{Shortages: []contracts.Shortage{{SKU: "mug", Wanted: 2}}}})
	s.expectReservation(t, order.ID, "reserved")
}
