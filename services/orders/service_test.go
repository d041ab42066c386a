package orders_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/contracts"
	"waybill.dev/local/kafka"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/postgres"
	"waybill.dev/platform/server"
	"waybill.dev/platform/servicetest"
	"waybill.dev/services/orders"
)

// settle is how long the tests wait for what was said in time.
const settle = time.Second

// hasty is a tenant that cannot wait.
const hasty = `
tenants:
  hasty: {deadlines: {authorization: 1s, reservation: 1s, shipment: 1s, capture: 1s, cancellation: 1s}}
`

// shop is a running service, and what a tenant does with it.
type shop struct {
	*servicetest.Service
	tenant string
}

// place places the good order.
func (s shop) place(t *testing.T) servicetest.Order {
	t.Helper()
	answer := s.Call(t, s.tenant, http.MethodPost, "/v1/orders", []byte(good), "X-Correlation-ID", "corr-"+s.tenant)
	if answer.Status != http.StatusCreated {
		t.Fatalf("%d: %s", answer.Status, answer.Body)
	}
	var o orders.Order
	answer.JSON(t, &o)
	return servicetest.Order{Service: s.Service, Tenant: s.tenant, ID: o.ID}
}

func (s shop) show(t *testing.T, id string) (o orders.Order) {
	t.Helper()
	answer := s.Call(t, s.tenant, http.MethodGet, "/v1/orders/"+id, nil)
	if answer.Status != http.StatusOK {
		t.Fatalf("%d: %s", answer.Status, answer.Body)
	}
	answer.JSON(t, &o)
	return o
}

// expect waits until the order shows a status and an attention.
func (s shop) expect(t *testing.T, id, status, attention string) {
	t.Helper()
	var o orders.Order
	servicetest.Eventually(t, func() bool {
		o = s.show(t, id)
		return o.Status == status && o.Attention == attention
	}, func() string {
		return id + " is " + o.Status + ", attention " + o.Attention + ", not " + status + ", " + attention
	})
}

// The order as the others hear of it.
func wholeOrder(t *testing.T) contracts.OrderPlaced {
	t.Helper()
	var placed contracts.OrderPlaced
	if err := json.Unmarshal([]byte(good), &placed); err != nil {
		t.Fatal(err)
	}
	placed.Total = contracts.Money{Amount: 4498, Currency: "EUR"}
	return placed
}

// HTTP and Kafka in, Kafka out. Hears tells every event more than once.
func TestService(t *testing.T) {
	t.Parallel()
	service := servicetest.Start(t, "orders", migrations(t), func(c server.Config) (server.Service, error) {
		return orders.New(orders.Config{Config: c, DeadlineSettle: settle})
	}, hasty)
	servicetest.Eventually(t, func() bool { return service.Call(t, "", http.MethodGet, "/readyz", nil).Status == http.StatusOK },
		func() string { return "not ready: " + service.Log.String() })
	for tenant, test := range map[string]func(*testing.T, shop){
		"completed":   testCompleted,
		"way-back":    testWayBack,
		"too-late":    testCancellationRefused,
		"by-hand":     testResolvedByHand,
		"hasty":       testDeadlines,
		"unread-list": testOrderNobodyPlaced,
	} {
		t.Run(tenant, func(t *testing.T) {
			t.Parallel()
			test(t, shop{service, tenant})
		})
	}
	t.Cleanup(func() {
		for _, secret := range []string{"tok_very_secret", "ada@example.com", "High Street"} {
			if strings.Contains(service.Log.String(), secret) {
				t.Errorf("the log holds %q", secret)
			}
		}
	})
}

func testCompleted(t *testing.T, s shop) {
	t.Helper()
	o := s.place(t)
	total := contracts.Money{Amount: 4498, Currency: "EUR"}
	o.Says(t, []contracts.Event{wholeOrder(t)})
	said := o.Said()[0]
	if said.PartitionKey != o.ID || said.Subject != o.ID || said.Source != "/waybill/orders" || said.CorrelationID != "corr-completed" || said.Sequence != 1 {
		t.Errorf("envelope: %+v", said)
	}
	o.Hears(t, contracts.PaymentCaptured{Amount: total}, contracts.StockReserved{}, contracts.PaymentAuthorized{Amount: total})
	s.expect(t, o.ID, "reserved", "")
	o.Hears(t, contracts.OrderShipped{Carrier: "post", TrackingNumber: "T1"})
	o.Says(t, []contracts.Event{wholeOrder(t), contracts.OrderCompleted{Total: total}})
	o.Hears(t, contracts.ShipmentDelivered{DeliveredAt: time.Now()}, contracts.PaymentVoided{})
	servicetest.Eventually(t, func() bool {
		shipment := s.show(t, o.ID).Shipment
		return shipment != nil && !shipment.DeliveredAt.IsZero()
	}, func() string { return "the delivery is not shown" })
	o.Says(t, []contracts.Event{wholeOrder(t), contracts.OrderCompleted{Total: total}})
	s.expect(t, o.ID, "completed", "")
}

func testWayBack(t *testing.T, s shop) {
	t.Helper()
	o := s.place(t)
	for range 2 {
		if got := s.Call(t, s.tenant, http.MethodPost, "/v1/orders/"+o.ID+"/cancellation", []byte(`{"reason":"ordered twice"}`)); got.Status != http.StatusAccepted {
			t.Fatalf("%d: %s", got.Status, got.Body)
		}
	}
	asked := contracts.OrderCancellationRequested{RequestedBy: "customer", Reason: "ordered twice"}
	o.Says(t, []contracts.Event{wholeOrder(t), asked})
	o.Hears(t, contracts.PaymentVoided{}, contracts.StockReleased{}, contracts.ShipmentCancelled{})
	o.Says(t, []contracts.Event{wholeOrder(t), asked, contracts.OrderCancelled{Reason: "ordered twice"}})
	s.expect(t, o.ID, "cancelled", "")
	if got := s.Call(t, s.tenant, http.MethodPost, "/v1/orders/"+o.ID+"/cancellation", []byte(`{"reason":"again"}`)); got.Status != http.StatusConflict {
		t.Errorf("of an ended order: %d", got.Status)
	}
}

func testCancellationRefused(t *testing.T, s shop) {
	t.Helper()
	o := s.place(t)
	o.Hears(t, contracts.OrderShipped{Carrier: "post"})
	s.expect(t, o.ID, "shipped", "")
	ask := func() int {
		return s.Call(t, s.tenant, http.MethodPost, "/v1/orders/"+o.ID+"/cancellation", []byte(`{"reason":"late"}`)).Status
	}
	if got := ask(); got != http.StatusAccepted {
		t.Fatalf("of a shipped order: %d", got)
	}
	o.Hears(t, contracts.CancellationRefused{})
	servicetest.Eventually(t, func() bool { c := s.show(t, o.ID).Cancellation; return c != nil && c.Refused },
		func() string { return "the refusal is not shown" })
	if got := ask(); got != http.StatusConflict {
		t.Errorf("once it was refused: %d", got)
	}
	o.Hears(t, contracts.PaymentCaptured{})
	s.expect(t, o.ID, "completed", "")
}

func testResolvedByHand(t *testing.T, s shop) {
	t.Helper()
	o := s.place(t)
	o.Hears(t, contracts.OrderShipped{Carrier: "post"}, contracts.PaymentAttentionRequired{Operation: "capture", Code: "card_expired"})
	s.expect(t, o.ID, "shipped", "capture refused: card_expired")
	body := []byte(`{"outcome":"completed","resolvedBy":"ops","reason":"paid in cash"}`)
	if got := s.Call(t, s.tenant, http.MethodPost, "/v1/orders/"+o.ID+"/resolution", body); got.Status != http.StatusOK {
		t.Fatalf("%d: %s", got.Status, got.Body)
	}
	resolved := contracts.OrderResolved{Outcome: "completed", ResolvedBy: "ops", Reason: "paid in cash"}
	o.Says(t, []contracts.Event{wholeOrder(t), resolved})
	o.Hears(t, contracts.PaymentCaptured{})
	servicetest.Eventually(t, func() bool {
		return strings.Contains(string(s.Call(t, s.tenant, http.MethodGet, "/v1/orders/"+o.ID+"/history", nil).Body), "order.payment-captured")
	}, func() string { return "what came after the end is not noted" })
	o.Says(t, []contracts.Event{wholeOrder(t), resolved})
}

// A step forward that is overdue asks for the cancellation, and a cancellation that is overdue for a person.
func testDeadlines(t *testing.T, s shop) {
	t.Helper()
	stuck, shipped, parked := s.place(t), s.place(t), s.place(t)
	shipped.Hears(t, contracts.OrderShipped{Carrier: "post"})
	s.exec(t, `INSERT INTO parked_messages (id, topic, headers, tenant, subject, message_id, event_type, error, ordered)
		VALUES (gen_random_uuid(), 'topic', '{}', $1, $2, '', '', '', true)`, s.tenant, parked.ID)
	overdue := contracts.OrderCancellationRequested{RequestedBy: "deadline"}
	reason := cmpopts.IgnoreFields(contracts.OrderCancellationRequested{}, "Reason")
	stuck.Says(t, []contracts.Event{wholeOrder(t), overdue}, reason)
	if said := stuck.Said()[1]; said.CorrelationID != "corr-hasty" {
		t.Errorf("the request's correlation is %q", said.CorrelationID)
	}
	s.expect(t, stuck.ID, "cancelling", "cancellation is overdue")
	s.expect(t, shipped.ID, "shipped", "capture is overdue")
	shipped.Says(t, []contracts.Event{wholeOrder(t)})
	metrics := string(s.Call(t, "", http.MethodGet, "/metrics", nil).Body)
	for _, want := range []string{
		`order_deadlines_missed_total{step="authorization"} 1`, `order_deadlines_missed_total{step="cancellation"} 1`,
		`order_deadlines_missed_total{step="capture"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	// Of an order that waits for what is parked it is not known what is overdue.
	parked.Says(t, []contracts.Event{wholeOrder(t)})
	s.exec(t, `UPDATE parked_messages SET state = 'redriven' WHERE subject = $1`, parked.ID)
	parked.Says(t, []contracts.Event{wholeOrder(t), overdue}, reason)

	stuck.Hears(t, contracts.PaymentVoided{})
	shipped.Hears(t, contracts.PaymentCaptured{})
	s.expect(t, stuck.ID, "cancelled", "")
	s.expect(t, shipped.ID, "completed", "")
}

func testOrderNobodyPlaced(t *testing.T, s shop) {
	t.Helper()
	o, next := s.Order(s.tenant), s.place(t)
	o.Hears(t, contracts.PaymentVoided{})
	next.Hears(t, contracts.PaymentVoided{})
	s.expect(t, next.ID, "cancelled", "")
	if got := s.Call(t, s.tenant, http.MethodGet, "/v1/orders/"+o.ID, nil); got.Status != http.StatusNotFound {
		t.Errorf("%d: %s", got.Status, got.Body)
	}
	o.Says(t, nil)
}

// others speaks for the other services.
type others struct {
	*testing.T
	kafka *kgo.Client
}

func newOthers(t *testing.T, brokers []string) others {
	t.Helper()
	kafka, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	return others{t, kafka}
}

// complete says all that an order waits for.
func (o others) complete(id string) {
	o.Helper()
	for i, e := range []contracts.Event{
		contracts.PaymentAuthorized{}, contracts.StockReserved{}, contracts.OrderShipped{}, contracts.PaymentCaptured{},
	} {
		record, err := contracts.Message{
			ID: fmt.Sprintf("%s-%d", id[:20], i), Source: "/waybill/test", Subject: id, PartitionKey: id, Time: time.Now(),
			Tenant: "hasty", Data: e,
		}.Encode()
		if err != nil {
			o.Fatal(err)
		}
		out := &kgo.Record{Topic: record.Topic, Key: []byte(record.Key), Value: record.Value}
		for k, v := range record.Headers {
			out.Headers = append(out.Headers, kgo.RecordHeader{Key: k, Value: []byte(v)})
		}
		if err := o.kafka.ProduceSync(o.Context(), out).FirstErr(); err != nil {
			o.Fatal(err)
		}
	}
}

// serveHasty serves orders to the tenant who cannot wait.
func serveHasty(t *testing.T, brokers []string, access postgres.Access, settle time.Duration) *running {
	t.Helper()
	tenants := filepath.Join(t.TempDir(), "tenants.yaml")
	if err := os.WriteFile(tenants, []byte(hasty), 0o600); err != nil {
		t.Fatal(err)
	}
	return serve(t, func(c *orders.Config) {
		c.KafkaBrokers, c.DatabaseURL, c.TenantsFile, c.DeadlineSettle = brokers, access.ServiceURL, tenants, settle
	})
}

// show is an order of that tenant.
func (r *running) show(id string) orders.Order {
	r.t.Helper()
	return read[orders.Order](r.t, r.get("/v1/orders/"+id, "hasty"), http.StatusOK)
}

// Orders is away for longer than every deadline, while what it waits for is said in time: nothing is cancelled for it.
// What was not said is.
func TestOrdersWasAway(t *testing.T) {
	t.Parallel()
	brokers := servicetest.Brokers(t)
	access := database(t)
	r := serveHasty(t, brokers, access, settle)
	inTime, silent := r.place("hasty").ID, r.place("hasty").ID
	r.stop()
	away := time.Now()
	newOthers(t, brokers).complete(inTime)
	// The deadlines, and the settling time after them, have long passed when orders comes back.
	eventually(t, "the deadlines have passed", func() bool { return time.Since(away) > time.Second+settle })

	r = serveHasty(t, brokers, access, settle)
	eventually(t, "the silent order is judged", func() bool { return r.show(silent).Cancellation != nil })
	if o := r.show(inTime); o.Status != "completed" || o.Cancellation != nil {
		t.Errorf("%s, %+v", o.Status, o.Cancellation)
	}
}

// Kafka is away for longer than every deadline: nothing is judged meanwhile, nor before the others have had time to say
// what they could not.
func TestKafkaWasAway(t *testing.T) {
	t.Parallel()
	k, err := kafka.Start(t.Context(), kafka.Config{Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Stop() })
	if err := messaging.CreateTopics(t.Context(), k.Brokers(), "", contracts.Topics()); err != nil {
		t.Fatal(err)
	}
	r := serveHasty(t, k.Brokers(), database(t), 5*time.Second)
	early := r.place("hasty").ID
	newOthers(t, k.Brokers()).complete(early)
	eventually(t, "an order is completed", func() bool { return r.show(early).Status == "completed" })

	if err := k.Pause(); err != nil {
		t.Fatal(err)
	}
	inTime, silent := r.place("hasty").ID, r.place("hasty").ID // orders are taken all the same
	placed := time.Now()
	eventually(t, "the deadlines have passed", func() bool {
		if a, b := r.show(inTime), r.show(silent); a.Status != "placed" || b.Status != "placed" {
			t.Fatalf("judged while Kafka was away: %s, %s", a.Status, b.Status)
		}
		return time.Since(placed) > 12*time.Second
	})
	if err := k.Resume(); err != nil {
		t.Fatal(err)
	}
	newOthers(t, k.Brokers()).complete(inTime)
	eventually(t, "the silent order is judged", func() bool { return r.show(silent).Cancellation != nil })
	if o := r.show(inTime); o.Status != "completed" || o.Cancellation != nil {
		t.Errorf("%s, %+v", o.Status, o.Cancellation)
	}
}

// exec changes the service's database past the service.
func (s shop) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.Access.ServiceURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// An audit holds a deadline that nobody has judged against an order, once it must have been judged.
func TestADeadlineSettlesInATimeThatAnAuditCountsOn(t *testing.T) {
	t.Parallel()
	for wait, ok := range map[time.Duration]bool{
		-time.Second: false, 0: false, time.Second: true, orders.LongestSettle: true, orders.LongestSettle + 1: false,
	} {
		c := orders.Defaults()
		c.DeadlineSettle = wait
		if _, err := orders.New(c); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "DEADLINE_SETTLE") {
			t.Errorf("%s: %v", wait, err)
		}
	}
}
