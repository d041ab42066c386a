package messaging_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/contracts"
	"waybill.dev/local/freeport"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
)

func TestMain(m *testing.M) {
	asChild()
	os.Exit(pgtest.Run(func() int { return kafkatest.Run(m.Run) }))
}

// service is the schema that the tests work in.
const service = "messaging"

// topicPrefix keeps a test's topics apart from those of others on the same broker.
func topicPrefix() string { return strings.ToLower(rand.Text()[:8]) + "." }

// said is a message with its place in the order of its key.
func said(event contracts.Event, key string, sequence int) contracts.Message {
	return contracts.Message{
		ID: uuid.Must(uuid.NewV7()).String(), Source: "/waybill/test", Subject: key, Time: time.Now(),
		Tenant: "default", CorrelationID: "correlation", CausationID: "cause", PartitionKey: key,
		Sequence: int64(sequence), TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Data: event,
	}
}

// write puts messages into the outbox, as one transaction, in the form that the event log gives them.
func write(t testing.TB, pool *pgxpool.Pool, messages ...contracts.Message) {
	t.Helper()
	if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return writeIn(t.Context(), tx, messages...) }); err != nil {
		t.Fatal(err)
	}
}

func writeIn(ctx context.Context, tx pgx.Tx, messages ...contracts.Message) error {
	var ids, payloads, metadata []string
	for _, m := range messages {
		record, err := m.Encode()
		if err != nil {
			return err
		}
		headers, err := json.Marshal(record.Headers)
		if err != nil {
			return err
		}
		ids, payloads, metadata = append(ids, m.ID), append(payloads, string(record.Value)), append(metadata, string(headers))
	}
	_, err := tx.Exec(ctx, `INSERT INTO watermill_outbox (uuid, payload, metadata, transaction_id)
		SELECT u, p::json, m::json, pg_current_xact_id() FROM unnest($1::text[], $2::text[], $3::text[]) AS row (u, p, m)`,
		ids, payloads, metadata)
	return err
}

// inBackground runs until the test ends, and must then end by itself.
func inBackground(t testing.TB, name string, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(patience):
			t.Errorf("%s does not end", name)
		}
	})
	t.Cleanup(stop)
	return stop
}

// patience is for a machine that has much else to do. What comes at all comes long before.
const patience = 2 * time.Minute

// eventually waits for a condition.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// startRelay runs a relay for the pool's outbox.
func startRelay(t testing.TB, c messaging.RelayConfig) (relay *messaging.Relay, stop func()) {
	t.Helper()
	relay, err := messaging.NewRelay(c)
	if err != nil {
		t.Fatal(err)
	}
	return relay, inBackground(t, "relay", relay.Run)
}

// startConsumer runs a consumer.
func startConsumer(t testing.TB, c messaging.ConsumerConfig) (consumer *messaging.Consumer, stop func()) {
	t.Helper()
	consumer, err := messaging.NewConsumer(c)
	if err != nil {
		t.Fatal(err)
	}
	return consumer, inBackground(t, "consumer", consumer.Run)
}

// ears keep what a handler was given.
type ears struct {
	mu    sync.Mutex
	heard []contracts.Message
	ids   map[string]bool
}

func (e *ears) hear(_ context.Context, m contracts.Message) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, m)
	if e.ids == nil {
		e.ids = map[string]bool{}
	}
	e.ids[m.ID] = true
	return nil
}

func (e *ears) all() []contracts.Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]contracts.Message{}, e.heard...)
}

// count is how many messages were heard, and distinct how many different ones.
func (e *ears) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.heard)
}

func (e *ears) distinct() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.ids)
}

// topicsOf are the topics of events, as declared and by name.
func topicsOf(events ...contracts.Event) (declared []contracts.Topic, names []string) {
	for _, e := range events {
		names = append(names, e.Type().Topic())
		declared = append(declared, contracts.Topic{Name: e.Type().Topic(), Partitions: contracts.Partitions, RetentionMillis: -1})
	}
	return declared, names
}

func createTopics(t testing.TB, brokers []string, prefix string, events ...contracts.Event) (names []string) {
	t.Helper()
	declared, names := topicsOf(events...)
	// Tried again, as a service does: on a busy machine a broker may not answer in time.
	eventually(t, "the topics are made", func() bool {
		err := messaging.CreateTopics(t.Context(), brokers, prefix, declared)
		if err != nil {
			t.Log(err)
		}
		return err == nil
	})
	return names
}

func keyOf(i int) string { return fmt.Sprintf("order-%d", i) }

// tape keeps every record of some topics, in the order of their partitions.
type tape struct {
	mu      sync.Mutex
	records []*kgo.Record
	ids     map[string]bool
}

// listen records topics from their beginnings until the test ends.
func listen(t testing.TB, brokers []string, prefix string, names ...string) *tape {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(prefixed(prefix, names)...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(100*time.Millisecond),
		kgo.MetadataMaxAge(time.Second), kgo.FetchMaxWait(250*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	tape := &tape{ids: map[string]bool{}}
	inBackground(t, "tape", func(ctx context.Context) error {
		defer client.Close()
		for ctx.Err() == nil {
			fetched := client.PollFetches(ctx)
			tape.add(fetched.Records())
		}
		return nil
	})
	return tape
}

func prefixed(prefix string, names []string) []string {
	var topics []string
	for _, n := range names {
		topics = append(topics, prefix+n)
	}
	return topics
}

func (t *tape) all() []*kgo.Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]*kgo.Record{}, t.records...)
}

// messages are the records read as messages.
func (t *tape) messages(tb testing.TB) []contracts.Message {
	tb.Helper()
	var messages []contracts.Message
	for _, r := range t.all() {
		headers := map[string]string{}
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		m, err := contracts.Decode(headers, r.Value)
		if err != nil {
			tb.Fatal(err)
		}
		messages = append(messages, m)
	}
	return messages
}

func (t *tape) add(records []*kgo.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.records = append(t.records, records...)
	for _, r := range records {
		for _, h := range r.Headers {
			if h.Key == contracts.HeaderID {
				t.ids[string(h.Value)] = true
			}
		}
	}
}

// count is how many records there are, and distinct how many different messages.
func (t *tape) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.records)
}

func (t *tape) distinct() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.ids)
}

// checkFirstCopies fails the test unless each message arrived, and the first copies of those with the same type
// and key are in the order of their sequence. It gives how many repeats there were.
func checkFirstCopies(t testing.TB, got []contracts.Message, want []contracts.Message) (repeats int) {
	t.Helper()
	seen, last := map[string]bool{}, map[string]int64{}
	for _, m := range got {
		if seen[m.ID] {
			repeats++
			continue
		}
		seen[m.ID] = true
		line := string(m.Data.Type()) + " " + m.PartitionKey
		if before, ok := last[line]; ok && before >= m.Sequence {
			t.Errorf("%s: the first copy of %d came after that of %d", line, m.Sequence, before)
		}
		last[line] = m.Sequence
	}
	var missing []string
	for _, m := range want {
		if !seen[m.ID] {
			missing = append(missing, fmt.Sprintf("%s %s %d", m.Data.Type(), m.PartitionKey, m.Sequence))
		}
		delete(seen, m.ID)
	}
	if len(missing) > 0 {
		t.Errorf("%d of %d messages are lost, such as %s", len(missing), len(want), missing[0])
	}
	if len(seen) > 0 {
		t.Errorf("%d messages came that nobody wrote", len(seen))
	}
	return repeats
}

// queryOne reads one value.
func queryOne[V any](t testing.TB, pool *pgxpool.Pool, sql string, args ...any) (v V) {
	t.Helper()
	if err := pool.QueryRow(context.WithoutCancel(t.Context()), sql, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func diff(t testing.TB, what string, got, want any, options ...cmp.Option) {
	t.Helper()
	if d := cmp.Diff(want, got, options...); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// deadAddress is one where nobody listens.
func deadAddress(t testing.TB) string {
	t.Helper()
	port, err := freeport.Pick(0)
	if err != nil {
		t.Fatal(err)
	}
	return freeport.Address(port)
}
