package messaging_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	watermillsql "github.com/ThreeDotsLabs/watermill-sql/v3/pkg/sql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/contracts"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
)

func TestRelayPublishesWhatWasWritten(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.OrderCancelled{}, contracts.StockReleased{})
	first := said(contracts.OrderCancelled{Reason: "changed <mind> & \u2028 more"}, "order-1", 7)
	second := said(contracts.StockReleased{}, "order-2", 3)
	write(t, pool, first, second)
	relay, _ := startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix})
	tape := listen(t, brokers, prefix, names...)
	eventually(t, "both arrive", func() bool { return tape.count() >= 2 })

	for _, record := range tape.all() {
		want := first
		if strings.HasSuffix(record.Topic, "stock-released") {
			want = second
		}
		encoded, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		headers := map[string]string{}
		for _, h := range record.Headers {
			headers[h.Key] = string(h.Value)
		}
		if headers["_watermill_message_uuid"] != want.ID {
			t.Errorf("Watermill's header is %q", headers["_watermill_message_uuid"])
		}
		delete(headers, "_watermill_message_uuid")
		diff(t, "topic", record.Topic, prefix+encoded.Topic)
		diff(t, "key", string(record.Key), encoded.Key)
		diff(t, "headers", headers, encoded.Headers)
		diff(t, "value", string(record.Value), string(encoded.Value))
		// franz-go's default for keys is that of Java's client.
		java := kgo.StickyKeyPartitioner(nil).ForTopic(record.Topic)
		diff(t, "partition", int(record.Partition), java.Partition(record, contracts.Partitions))
	}
	// They may have arrived with a first send that failed in part, or whose acknowledgement is still on its way.
	eventually(t, "the relay is well", func() bool { return relay.Degraded() == nil })
}

func TestRelayWakesAtOnce(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	relay, _ := startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix})
	tape := listen(t, brokers, prefix, names...)
	write(t, pool, said(contracts.StockReleased{}, "first", 0))
	eventually(t, "the relay works", func() bool { return tape.distinct() == 1 })
	// Of 10 wakes that find the relay idle, the quickest shows that it does not wait for its poll of a second.
	fastest := time.Hour
	for i := range 10 {
		begun := time.Now()
		write(t, pool, said(contracts.StockReleased{}, "again", i))
		relay.Wake()
		eventually(t, "it arrives", func() bool { return tape.distinct() == i+2 })
		fastest = min(fastest, time.Since(begun))
		time.Sleep(100 * time.Millisecond) // a gap in the traffic, not a wait for anything
	}
	if fastest > 500*time.Millisecond {
		t.Errorf("the fastest took %v", fastest)
	}
}

// Many writers, many keys, several topics: what is committed arrives, in order per topic and key.
func TestRelayKeepsOrderUnderConcurrentWriters(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	events := []contracts.Event{contracts.StockReserved{}, contracts.StockReleased{}, contracts.PaymentVoided{}}
	names := createTopics(t, brokers, prefix, events...)
	relay, _ := startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix, BatchRows: 100})
	var mu sync.Mutex
	var written []contracts.Message
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 100 {
				// A key belongs to one writer, so that the order of its commits is known.
				key := fmt.Sprintf("order-%d-%d", w, i%5)
				batch := []contracts.Message{said(events[i%3], key, 2*i), said(events[i%3], key, 2*i+1)}
				write(t, pool, batch...)
				relay.Wake()
				mu.Lock()
				written = append(written, batch...)
				mu.Unlock()
			}
		})
	}
	tape := listen(t, brokers, prefix, names...)
	writers.Wait()
	eventually(t, "all arrive", func() bool { return tape.distinct() == len(written) })
	checkFirstCopies(t, tape.messages(t), written)
}

// A transaction that is open hides the rows of later ones, and none is skipped when it commits last.
func TestRelaySkipsNothingThatIsCommittedLate(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.PoolOn(t, pgtest.Server(t), service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	relay, _ := startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix})
	tape := listen(t, brokers, prefix, names...)
	early := said(contracts.StockReleased{}, "early", 1)
	write(t, pool, early)
	relay.Wake()
	eventually(t, "the first arrives", func() bool { return tape.distinct() == 1 })

	late, later := said(contracts.StockReleased{}, "late", 1), said(contracts.StockReleased{}, "later", 1)
	open, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := writeIn(t.Context(), open, late); err != nil {
		t.Fatal(err)
	}
	write(t, pool, later)
	relay.Wake()
	// While the older transaction is open the relay passes neither row: it would come back for none.
	watch := time.Now().Add(500 * time.Millisecond)
	for time.Now().Before(watch) {
		if n := tape.distinct(); n != 1 {
			t.Fatalf("%d messages have passed an open transaction", n)
		}
		if _, err := open.Exec(t.Context(), "SELECT 1"); err != nil { // or the server ends it as idle
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := open.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	relay.Wake()
	eventually(t, "all arrive", func() bool { return tape.distinct() == 3 })
	checkFirstCopies(t, tape.messages(t), []contracts.Message{early, late, later})
}

func TestRelayParksWhatKafkaRefuses(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.OrderCancelled{})
	metrics := prometheus.NewRegistry()
	huge := said(contracts.OrderCancelled{Reason: strings.Repeat("x", 5<<20)}, "huge", 1)
	before, after := said(contracts.OrderCancelled{}, "before", 1), said(contracts.OrderCancelled{}, "after", 1)
	write(t, pool, before)
	write(t, pool, huge)
	for _, broken := range []string{
		`{"ce_type":"commerce.orders.order-eaten.v1","ce_partitionkey":"k","ce_id":"undeclared","ce_tenantid":"default"}`,
		`{"ce_type":"commerce.orders.order-cancelled.v1","ce_id":"keyless"}`,
		`["no object"]`,
	} {
		if _, err := pool.Exec(t.Context(), `INSERT INTO watermill_outbox (uuid, payload, metadata, transaction_id)
			VALUES ('broken', '{}', $1, pg_current_xact_id())`, broken); err != nil {
			t.Fatal(err)
		}
	}
	write(t, pool, after)
	_, stop := startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix, Metrics: metrics})
	tape := listen(t, brokers, prefix, names...)
	eventually(t, "the others arrive", func() bool { return tape.distinct() == 2 })
	eventually(t, "four are parked", func() bool {
		return queryOne[int](t, pool, "SELECT count(*) FROM parked_messages") == 4
	})
	checkFirstCopies(t, tape.messages(t), []contracts.Message{before, after})
	if kept := queryOne[int](t, pool, "SELECT length(value) FROM parked_messages WHERE message_id = $1", huge.ID); kept < 5<<20 {
		t.Errorf("of the huge message %d bytes are kept", kept)
	}
	for id, want := range map[string]string{
		"undeclared": "not declared", "keyless": "ce_partitionkey is missing", "broken": "metadata", huge.ID: "larger than",
	} {
		if reason := queryOne[string](t, pool, "SELECT error FROM parked_messages WHERE message_id = $1", id); !strings.Contains(reason, want) {
			t.Errorf("%s: reason is %q, want one with %q", id, reason, want)
		}
	}
	if err := testutil.GatherAndCompare(metrics, strings.NewReader(`
# HELP outbox_refused_total Rows of the outbox that Kafka refused for good, and that were parked.
# TYPE outbox_refused_total counter
outbox_refused_total 4
# HELP outbox_sent_total Rows of the outbox that Kafka has acknowledged, repeats included.
# TYPE outbox_sent_total counter
outbox_sent_total 2
`), "outbox_refused_total", "outbox_sent_total"); err != nil {
		t.Error(err)
	}
	stop()
	resent, err := messaging.Resend(t.Context(), pool, brokers, prefix, time.Now().Add(-time.Hour))
	if err != nil || resent.Sent != 2 || len(resent.Refused) != 4 {
		t.Fatalf("sent again: %+v, %v", resent, err)
	}
	for i, want := range []struct{ id, reason string }{{"undeclared", "not declared"}, {"keyless", "ce_partitionkey is missing"}, {"", "metadata"}, {huge.ID, "larger than"}} {
		if got := resent.Refused[i]; got.MessageID != want.id || !strings.Contains(got.Err.Error(), want.reason) {
			t.Errorf("refused again: %+v, want %+v", got, want)
		}
	}
}

func TestRelayMakesTopicsThatAreMissing(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	message := said(contracts.StockReleased{}, "order-1", 1)
	write(t, pool, message)
	relay, _ := startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix})
	tape := listen(t, brokers, prefix, message.Data.Type().Topic())
	eventually(t, "it arrives", func() bool { return tape.distinct() == 1 })
	eventually(t, "all is well", func() bool { return relay.Degraded() == nil })
}

// While Kafka is away the relay says so, the outbox deepens, and nothing is lost.
func TestRelayTellsThatKafkaIsAway(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, service, nil)
	metrics := prometheus.NewRegistry()
	write(t, pool, said(contracts.StockReleased{}, "order-1", 1), said(contracts.StockReleased{}, "order-1", 2))
	relay, stop := startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: []string{deadAddress(t)}, Metrics: metrics})
	eventually(t, "degraded", func() bool { return relay.Degraded() != nil })
	eventually(t, "a depth of 2", func() bool {
		return testutil.GatherAndCompare(metrics, strings.NewReader(`
# HELP outbox_depth Rows of the outbox that wait to be sent, up to 10000; 0 where another replica leads.
# TYPE outbox_depth gauge
outbox_depth 2
`), "outbox_depth") == nil
	})
	begun := time.Now()
	stop()
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("to stop took %v", took)
	}
}

// What holds up the publication does not hold up the measuring.
func TestRelayMeasuresBeforeItPublishes(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	if _, waiting, err := messaging.Unsent(t.Context(), pool); err != nil || waiting {
		t.Errorf("something waits in an empty outbox, %v", err)
	}
	write(t, pool, said(contracts.StockReleased{}, "order-1", 1))
	if _, err := pool.Exec(t.Context(), "UPDATE watermill_outbox SET created_at = created_at - interval '1 hour'"); err != nil {
		t.Fatal(err)
	}
	metrics, after := prometheus.NewRegistry(), make(chan struct{})
	startRelay(t, messaging.RelayConfig{
		Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix, Metrics: metrics, After: after,
	})
	eventually(t, "an age of an hour", func() bool {
		gathered, err := metrics.Gather()
		for _, m := range gathered {
			if err == nil && m.GetName() == "outbox_oldest_age_seconds" && m.GetMetric()[0].GetGauge().GetValue() >= 3600 {
				return true
			}
		}
		return false
	})
	if oldest, waiting, err := messaging.Unsent(t.Context(), pool); err != nil || !waiting || oldest < time.Hour {
		t.Errorf("the oldest has waited for %v, %t, %v", oldest, waiting, err)
	}
	close(after)
	tape := listen(t, brokers, prefix, names...)
	eventually(t, "it is sent", func() bool { return tape.distinct() == 1 })
	eventually(t, "nothing waits", func() bool {
		_, waiting, err := messaging.Unsent(t.Context(), pool)
		return err == nil && !waiting
	})
}

// What was sent is kept for its time and then deleted; what was not sent stays.
func TestRelaySweepsWhatWasSent(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	var old []contracts.Message
	for i := range 2500 {
		old = append(old, said(contracts.StockReleased{}, keyOf(i), i))
	}
	write(t, pool, old...)
	// They have waited for Kafka for a day: that is not how long they have been sent.
	if _, err := pool.Exec(t.Context(), "UPDATE watermill_outbox SET created_at = created_at - interval '1 day'"); err != nil {
		t.Fatal(err)
	}
	const keep = 2 * time.Second
	begun := time.Now()
	_, stop := startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix, Keep: keep})
	tape := listen(t, brokers, prefix, names...)
	left := func() int { return queryOne[int](t, pool, "SELECT count(*) FROM watermill_outbox") }
	eventually(t, "all are swept", func() bool {
		n := left()
		if n < len(old) && time.Since(begun) < keep {
			t.Fatal("a row was deleted before its time")
		}
		return n == 0
	})
	eventually(t, "all have arrived", func() bool { return tape.distinct() == len(old) })
	checkFirstCopies(t, tape.messages(t), old)
	stop()

	unsent := []contracts.Message{said(contracts.StockReleased{}, "unsent", 1), said(contracts.StockReleased{}, "unsent", 2)}
	write(t, pool, unsent...)
	_, stop = startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: []string{deadAddress(t)}, Keep: 100 * time.Millisecond})
	marks := "SELECT count(*) FROM watermill_offsets_outbox WHERE consumer_group LIKE 'sent/%'"
	eventually(t, "one mark is left", func() bool { return queryOne[int](t, pool, marks) == 1 })
	stop()
	if n := left(); n != len(unsent) {
		t.Errorf("%d rows are left, want the %d that were not sent", n, len(unsent))
	}
}

func TestResend(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{}, contracts.StockReserved{})
	older, newer := said(contracts.StockReleased{}, "order-1", 1), []contracts.Message{}
	write(t, pool, older)
	if _, err := pool.Exec(t.Context(), "UPDATE watermill_outbox SET created_at = created_at - interval '10 minutes'"); err != nil {
		t.Fatal(err)
	}
	for i := range 1500 {
		newer = append(newer, said(contracts.StockReserved{}, keyOf(i%100), i))
	}
	write(t, pool, newer...)
	_, stop := startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix})
	tape := listen(t, brokers, prefix, names...)
	eventually(t, "all arrive", func() bool { return tape.distinct() == 1501 })
	stop()
	write(t, pool, said(contracts.StockReserved{}, "not-sent-yet", 1))

	for _, test := range []struct {
		since time.Duration
		want  int
	}{{time.Hour, 1501}, {time.Minute, 1500}, {-time.Minute, 0}} {
		place := queryOne[string](t, pool, "SELECT string_agg(o::text, ' ') FROM watermill_offsets_outbox AS o WHERE consumer_group = 'relay'")
		had := tape.count()
		n, err := messaging.Resend(t.Context(), pool, brokers, prefix, time.Now().Add(-test.since))
		if err != nil || n.Sent != test.want || len(n.Refused) != 0 {
			t.Errorf("since %v ago: sent %+v again, %v; want %d", test.since, n, err, test.want)
		}
		eventually(t, "all arrive again", func() bool { return tape.count() >= had+test.want })
		diff(t, "the relay's place", queryOne[string](t, pool, "SELECT string_agg(o::text, ' ') FROM watermill_offsets_outbox AS o WHERE consumer_group = 'relay'"), place)
	}
	// The relay itself may have sent some again.
	if n := checkFirstCopies(t, tape.messages(t), append(newer, older)); n < 3001 {
		t.Errorf("%d repeats, want 3001 at least", n)
	}
	if _, err := messaging.Resend(t.Context(), pool, []string{deadAddress(t)}, prefix, time.Now().Add(-time.Hour)); err == nil {
		t.Error("sent again without Kafka")
	}
}

// Watermill's own subscriber reads our outbox, so that its schema is what we say it is.
func TestOutboxIsWatermills(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, service, nil)
	want := said(contracts.OrderCancelled{Reason: "reason"}, "order-1", 5)
	write(t, pool, want)
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }()
	subscriber, err := watermillsql.NewSubscriber(db, watermillsql.SubscriberConfig{
		ConsumerGroup:  "somebody",
		SchemaAdapter:  watermillsql.DefaultPostgreSQLSchema{},
		OffsetsAdapter: watermillsql.DefaultPostgreSQLOffsetsAdapter{},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = subscriber.Close() }()
	messages, err := subscriber.Subscribe(t.Context(), "outbox")
	if err != nil {
		t.Fatal(err)
	}
	select {
	case m := <-messages:
		m.Ack()
		got, err := contracts.Decode(m.Metadata, m.Payload)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "id", m.UUID, want.ID)
		diff(t, "data", got.Data, want.Data)
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
}

// PostgreSQL is killed and comes back: the relay leads again and publishes.
func TestRelayOutlivesPostgres(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	pool, brokers, prefix := pgtest.PoolOn(t, server, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix})
	tape := listen(t, brokers, prefix, names...)
	first, second := said(contracts.StockReleased{}, "order-1", 1), said(contracts.StockReleased{}, "order-1", 2)
	write(t, pool, first)
	eventually(t, "the first arrives", func() bool { return tape.distinct() == 1 })
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second is written", func() bool {
		return pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return writeIn(t.Context(), tx, second) }) == nil
	})
	eventually(t, "the second arrives", func() bool { return tape.distinct() == 2 })
	checkFirstCopies(t, tape.messages(t), []contracts.Message{first, second})
}

// Two services in one database do not share a lead.
func TestServicesOfOneDatabaseLeadApart(t *testing.T) {
	t.Parallel()
	server, brokers, prefix := pgtest.Server(t), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	for _, name := range []string{"orders", "payments"} {
		pool := pgtest.PoolOn(t, server, name, nil)
		write(t, pool, said(contracts.StockReleased{}, name, 1))
		startRelay(t, messaging.RelayConfig{Pool: pool, Service: name, Brokers: brokers, TopicPrefix: prefix})
	}
	tape := listen(t, brokers, prefix, names...)
	eventually(t, "both arrive", func() bool { return tape.distinct() == 2 })
}
