//go:build chaos

package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/contracts"
	"waybill.dev/local/freeport"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
)

// ordersService is the orders service alone, in any number of processes, with a database and topics of the test's own.
// What the others would say is said by the test.
type ordersService struct {
	environment []string
	folder      string
	prefix      string
	database    *pgxpool.Pool
	kafka       *kgo.Client
}

func newOrdersService(t *testing.T) *ordersService {
	t.Helper()
	s := &ordersService{folder: t.TempDir(), prefix: "t" + strings.ReplaceAll(uuid.NewString(), "-", "")[:10] + "."}
	admin := pgtest.Database(t, pgtest.Template{Name: "empty"})
	access, err := postgres.Provision(t.Context(), admin, "orders")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log, err := os.ReadFile(filepath.Join(s.folder, "orders.log")); t.Failed() && err == nil {
			const end = 10_000
			t.Logf("the end of its log:\n%s", log[max(0, len(log)-end):])
		}
	})
	brokers := kafkatest.Brokers(t)
	if err := messaging.CreateTopics(t.Context(), brokers, s.prefix, contracts.Topics()); err != nil {
		t.Fatal(err)
	}
	s.environment = []string{
		"DATABASE_URL=" + access["orders"].ServiceURL, "MIGRATIONS_URL=" + access["orders"].OwnerURL,
		"KAFKA_BROKERS=" + strings.Join(brokers, ","), "PUBLISH_PREFIX=" + s.prefix, "HEAR_PREFIX=" + s.prefix,
	}
	if s.database, err = postgres.Open(t.Context(), access["orders"].ServiceURL, postgres.Options{Service: "orders", MaxConns: 4}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.database.Close)
	if s.kafka, err = kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ProducerLinger(5*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kafka.Close)
	return s
}

// member is one process of the service.
type member struct {
	url     string
	process *os.Process
	ended   chan struct{}
}

// join starts one more process, and waits until it is in its group.
func (s *ordersService) join(t *testing.T) *member {
	t.Helper()
	port, err := freeport.Pick(0)
	if err != nil {
		t.Fatal(err)
	}
	address := freeport.Address(port)
	log, err := os.OpenFile(filepath.Join(s.folder, "orders.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(program(t, "orders"))
	cmd.Env = append([]string{"LISTEN=" + address}, s.environment...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	m := &member{url: "http://" + address, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the death signal is sent when this thread ends
		defer close(m.ended)
		err := cmd.Start()
		m.process = cmd.Process
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.signal(t, syscall.SIGKILL); <-m.ended })
	eventually(t, "a member is ready", func() bool {
		answer, err := http.Get(m.url + "/readyz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return m
}

func (m *member) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := m.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
}

// leave ends the process by the signal, and waits until it has ended.
func (m *member) leave(t *testing.T, signal syscall.Signal) {
	t.Helper()
	m.signal(t, signal)
	select {
	case <-m.ended:
	case <-time.After(time.Minute):
		t.Fatalf("a member does not end by %s", signal)
	}
}

// tries is how often an order's capture is refused before it succeeds: so many messages are there on one topic under
// one key, and each is news.
const tries = 3

// perOrder is how many messages others say of an order.
const perOrder = tries + 5

// history is what the others say of an order that is completed and delivered, after some trouble.
func history(order string) []contracts.Message {
	money := contracts.Money{Amount: 1999, Currency: "EUR"}
	at := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	events := []contracts.Event{
		contracts.PaymentAuthorized{Amount: money, ProviderReference: "pay", ExpiresAt: at},
		contracts.StockReserved{},
		contracts.OrderShipped{Carrier: "Parcel Co", TrackingNumber: "PC1", PickedUpAt: at},
	}
	for i := range tries {
		events = append(events, contracts.PaymentAttentionRequired{Operation: "capture", Code: fmt.Sprintf("refused_%d", i+1)})
	}
	events = append(events, contracts.PaymentCaptured{Amount: money, ProviderReference: "pay"}, contracts.ShipmentDelivered{DeliveredAt: at})
	messages := make([]contracts.Message, len(events))
	for i, e := range events {
		messages[i] = contracts.Message{
			ID: uuid.Must(uuid.NewV7()).String(), Source: "/waybill/test", Subject: order, Time: time.Now(), Tenant: "default",
			CorrelationID: order, CausationID: "test", PartitionKey: order, Sequence: int64(i + 1), Data: e,
		}
	}
	return messages
}

// say produces a message; done is told when it has been taken.
func (s *ordersService) say(ctx context.Context, m contracts.Message, done func(error)) {
	record, err := m.Encode()
	if err != nil {
		done(err)
		return
	}
	r := &kgo.Record{Topic: s.prefix + record.Topic, Key: []byte(record.Key), Value: record.Value}
	for name, value := range record.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	s.kafka.Produce(ctx, r, func(_ *kgo.Record, err error) { done(err) })
}

// sayAll says the first message of every history, then the second of each, and so on.
func (s *ordersService) sayAll(t *testing.T, histories [][]contracts.Message) {
	t.Helper()
	failed := make(chan error, 1)
	for i := range perOrder {
		for _, h := range histories {
			s.say(t.Context(), h[i], func(err error) {
				if err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			})
		}
	}
	if err := s.kafka.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
}

// unheard is how many messages lie in Kafka that the group has not told to have handled.
func (s *ordersService) unheard(t *testing.T) (n int64) {
	t.Helper()
	admin := kadm.NewClient(s.kafka)
	ends, err := admin.ListEndOffsets(t.Context(), s.topics()...)
	if err != nil || ends.Error() != nil {
		t.Fatal(err, ends.Error())
	}
	heard, err := admin.FetchOffsets(t.Context(), s.prefix+"orders")
	if err != nil {
		t.Fatal(err)
	}
	ends.Each(func(end kadm.ListedOffset) {
		n += end.Offset
		if o, ok := heard.Lookup(end.Topic, end.Partition); ok {
			n -= max(o.At, 0)
		}
	})
	return n
}

// topics are those on which histories are told.
func (s *ordersService) topics() (names []string) {
	for _, m := range history("any") {
		if name := s.prefix + m.Data.Type().Topic(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// checkHistories: every message of so many orders has had its effect once, and those of one topic in their order.
func (s *ordersService) checkHistories(t *testing.T, orders int) {
	t.Helper()
	const heard = `kind NOT IN ('order.placed', 'order.completed')`
	var streams, facts, unlike, disordered, parked int
	err := s.database.QueryRow(t.Context(), `
WITH told AS (
	SELECT stream, count(*) AS facts, count(DISTINCT kind) AS kinds,
		array_agg(data->>'code' ORDER BY version) FILTER (WHERE kind = 'order.payment-attention-required') AS codes
	FROM events WHERE `+heard+` GROUP BY stream
)
SELECT count(*), coalesce(sum(facts), 0), count(*) FILTER (WHERE facts <> $1 OR kinds <> $2),
	count(*) FILTER (WHERE codes <> (SELECT array_agg('refused_' || i ORDER BY i) FROM generate_series(1, $3::int) i)),
	(SELECT count(*) FROM parked_messages)
FROM told`, perOrder, perOrder-tries+1, tries).Scan(&streams, &facts, &unlike, &disordered, &parked)
	if err != nil {
		t.Fatal(err)
	}
	if streams != orders || facts != orders*perOrder || unlike != 0 || disordered != 0 || parked != 0 {
		t.Errorf("of %d orders with %d messages each: %d orders and %d facts are noted, %d orders have others than were said, %d have them in another order, and %d messages are parked",
			orders, perOrder, streams, facts, unlike, disordered, parked)
	}
}
