package saga

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/processes"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/ways"
	"waybill.dev/local/kafka"
)

const (
	// deadline is for the steps that an outage holds up. An answer of the provider that takes three seconds is in time.
	deadline = 8 * time.Second
	// settle is what orders waits for once Kafka is back, before it judges who was late.
	settle = 10 * time.Second
	// longestOutageHold leaves most of the deadline, and of what is waited for after it, to the others.
	longestOutageHold = time.Second
)

// testOutages stops what orders need for longer than their deadlines. Kafka is one of these, so that the suite has a
// Kafka of its own.
func testOutages(t *testing.T, g ground, config processes.Config, deliver delivery) *testSuite {
	t.Helper()
	broker := startKafka(t)
	tenants := fmt.Sprintf(`tenants:
  without-inventory: {deadlines: {reservation: 2s}}
  without-orders: {deadlines: {authorization: %[1]s, reservation: %[1]s, shipment: %[1]s, capture: %[1]s}}
  without-kafka: {deadlines: {authorization: %[1]s}}
`, deadline)
	config.KafkaBrokers = broker.Brokers()
	config.Environment = map[string][]string{suite.Orders: {"DEADLINE_SETTLE=" + settle.String()}}
	s := startSuite(t, g, tenants, config, deliver)
	t.Run("inventory away", s.testInventoryAway)
	t.Run("orders away", s.testOrdersAway)
	t.Run("Kafka away", func(t *testing.T) { s.testKafkaAway(t, broker) })
	s.awaitRest(t)
	for _, tenant := range []string{"without-inventory", "without-orders", "without-kafka", "patient"} {
		checkBooks(t, s.shop.ForTenant(tenant))
	}
	s.checkTopics(t)
	return s
}

// Inventory is away until the reservation is overdue: the order ends cancelled, and nothing is held.
func (s *testSuite) testInventoryAway(t *testing.T) {
	shop := s.shop.ForTenant("without-inventory")
	want := wanted(t, "cancelled before payment")
	// What inventory says when it is back may come to shipping before the way back does.
	booked := want
	booked.Carrier = "cancelled"
	// The stock cannot be reserved before the payment is authorized, which takes seconds.
	walk := place(t, shop, ways.Way{Name: "inventory away", Token: "tok_slow", Want: want, Also: []ways.Outcome{booked}})
	inventory := s.Process(suite.Inventory)
	if err := inventory.Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, func(ctx context.Context) error {
		o, err := shop.Order(ctx, walk.Order)
		if err == nil && (o.Cancellation == nil || o.Cancellation.RequestedBy != "deadline") {
			err = fmt.Errorf("the order is %s, and no deadline has asked for its cancellation", o.Status)
		}
		return err
	})
	if err := inventory.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	finish(t, walk)
}

// Orders is away until the authorization is overdue, while the others bring the order to its end: it is completed.
func (s *testSuite) testOrdersAway(t *testing.T) {
	shop := s.shop.ForTenant("without-orders")
	placedAt := time.Now()
	walk := place(t, shop, ways.Way{Name: "orders away", Token: "tok_slow", Want: wanted(t, "completed")})
	awaitPayment(t, walk, "pending")
	orders := s.Process(suite.Orders)
	if err := orders.Kill(); err != nil {
		t.Fatal(err)
	}
	awaitPayment(t, walk, "captured")
	awaitOverdue(t, placedAt)
	if err := orders.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	finish(t, walk)
	checkNotJudged(t, walk)
}

// Kafka is away until the authorization is overdue, which payments has noted in time and cannot tell. Orders are taken
// all the while. All are completed.
func (s *testSuite) testKafkaAway(t *testing.T, broker *kafka.Server) {
	t.Helper()
	shop := s.shop.ForTenant("without-kafka")
	placedAt := time.Now()
	before := place(t, shop, ways.Way{Name: "Kafka away", Token: "tok_slow", Want: wanted(t, "completed")})
	awaitPayment(t, before, "pending")
	if err := broker.Kill(); err != nil {
		t.Fatal(err)
	}
	meanwhile := place(t, s.shop.ForTenant("patient"), ways.Way{Name: "placed without Kafka", Want: wanted(t, "completed")})
	awaitPayment(t, before, "authorized")
	if late := time.Since(placedAt); late > deadline {
		t.Fatalf("the machine is too slow for this test: a payment that takes 3 s was authorized after %s", late)
	}
	await(t, func(ctx context.Context) error {
		ready, err := shop.Readiness(ctx, suite.Orders)
		if err == nil && !slices.ContainsFunc(ready.Degraded, func(d string) bool { return strings.HasPrefix(d, "kafka") }) {
			err = errors.New("orders does not say that it is degraded without Kafka")
		}
		return err
	})
	awaitOverdue(t, placedAt)
	if err := broker.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	finish(t, before)
	finish(t, meanwhile)
	checkNotJudged(t, before)
	checkNotJudged(t, meanwhile)
}

// place stocks the shelves and places the order of a way.
func place(t *testing.T, shop *client.Client, way ways.Way) *ways.Walk {
	t.Helper()
	walk, err := ways.Place(t.Context(), way, shop)
	if err != nil {
		t.Fatal(err)
	}
	return walk
}

// wanted is how things stand at the end of a way in the table.
func wanted(t *testing.T, name string) ways.Outcome {
	t.Helper()
	all := ways.All()
	i := slices.IndexFunc(all, func(w ways.Way) bool { return w.Name == name })
	if i < 0 {
		t.Fatalf("there is no way %q", name)
	}
	return all[i].Want
}

func awaitPayment(t *testing.T, walk *ways.Walk, status string) {
	t.Helper()
	await(t, func(ctx context.Context) error {
		p, err := walk.Shop.Payment(ctx, walk.Order)
		if err == nil && p.Status != status {
			err = fmt.Errorf("the payment is %s, not %s", p.Status, status)
		}
		return err
	})
}

// awaitOverdue waits until a step that began then is overdue.
func awaitOverdue(t *testing.T, since time.Time) {
	t.Helper()
	await(t, func(context.Context) error {
		if left := deadline - time.Since(since); left > 0 {
			return fmt.Errorf("the deadline is in %s", left)
		}
		return nil
	})
}

// checkNotJudged checks that no deadline of the order was taken for missed.
func checkNotJudged(t *testing.T, walk *ways.Walk) {
	t.Helper()
	for _, f := range must(walk.Shop.History(t.Context(), walk.Order))(t) {
		if f.Kind == "order.cancellation-requested" || f.Kind == "order.deadline-missed" {
			t.Errorf("%s: %s: %s", walk.Way.Name, f.Kind, f.Data)
		}
	}
}
