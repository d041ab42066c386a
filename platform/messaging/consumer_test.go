package messaging_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
)

// say produces messages as another service's relay would.
func say(t testing.TB, brokers []string, prefix string, messages ...contracts.Message) {
	t.Helper()
	var records []*kgo.Record
	for _, m := range messages {
		encoded, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		record := &kgo.Record{Topic: prefix + encoded.Topic, Key: []byte(encoded.Key), Value: encoded.Value}
		for name, value := range encoded.Headers {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
		records = append(records, record)
	}
	produce(t, brokers, records...)
}

func produce(t testing.TB, brokers []string, records ...*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(context.WithoutCancel(t.Context()), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// A group that is new hears what was said before it, each partition in order, and all partitions at once.
func TestConsumerHearsAllPartitionsAtOnce(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReserved{}, contracts.StockReleased{})
	var written []contracts.Message
	for i := range 240 {
		written = append(written, said([]contracts.Event{contracts.StockReserved{}, contracts.StockReleased{}}[i%2], keyOf(i%60), i))
	}
	say(t, brokers, prefix, written...)
	var inside, most atomic.Int64
	var heard ears
	together := make(chan struct{})
	startConsumer(t, messaging.ConsumerConfig{
		Brokers: brokers, Group: prefix, Topics: names, TopicPrefix: prefix, Pool: pool,
		Handle: func(ctx context.Context, m contracts.Message) error {
			now := inside.Add(1)
			defer inside.Add(-1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			if now == 20 {
				close(together)
			}
			select { // the first ones wait for each other
			case <-together:
			case <-time.After(10 * time.Second):
			}
			return heard.hear(ctx, m)
		},
	})
	eventually(t, "all are heard", func() bool { return heard.count() == len(written) })
	if n := checkFirstCopies(t, heard.all(), written); n != 0 {
		t.Errorf("%d were heard again", n)
	}
	if n := most.Load(); n < 20 || n > 24 {
		t.Errorf("at most %d were handled at once, want one for each of up to 24 partitions", n)
	}
}

// What cannot be read or handled is parked, whole, and those behind it are handled.
func TestConsumerParksPoison(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	topic := prefix + names[0]
	metrics := prometheus.NewRegistry()
	binary := &kgo.Record{
		Topic: topic, Key: []byte("order-1"), Value: []byte{0xff, 0, 1},
		Headers: []kgo.RecordHeader{{Key: "ce_id", Value: []byte("\xffid")}, {Key: "twice", Value: []byte{1}}, {Key: "twice", Value: []byte{2}}},
	}
	produce(t, brokers, binary)
	say(t, brokers, prefix, said(contracts.StockReleased{}, "order-1", 1))
	broken := said(contracts.StockReleased{}, "order-1", 2)
	encoded, _ := broken.Encode()
	unknown := &kgo.Record{Topic: topic, Key: []byte("order-1"), Value: []byte(`{}`)}
	for name, value := range encoded.Headers {
		if name == contracts.HeaderType {
			value = "commerce.inventory.stock-eaten.v1"
		}
		unknown.Headers = append(unknown.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	produce(t, brokers, unknown)
	for i := 3; i <= 6; i++ {
		say(t, brokers, prefix, said(contracts.StockReleased{}, "order-1", i))
	}
	var heard ears
	var tries sync.Map
	begun := time.Now()
	startConsumer(t, messaging.ConsumerConfig{
		Brokers: brokers, Group: prefix, Topics: names, TopicPrefix: prefix, Pool: pool, Metrics: metrics,
		Handle: func(ctx context.Context, m contracts.Message) error {
			n, _ := tries.LoadOrStore(m.Sequence, new(atomic.Int64))
			n.(*atomic.Int64).Add(1)
			switch m.Sequence {
			case 3:
				panic("the secret of " + m.Subject)
			case 4:
				return fmt.Errorf("handle: %w", es.Refuse(es.Conflict, "no such thing"))
			case 5:
				if n.(*atomic.Int64).Load() < 3 {
					return errors.New("only twice")
				}
			}
			return heard.hear(ctx, m)
		},
	})
	eventually(t, "the last is heard", func() bool { return heard.count() == 3 })
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("two poisonous messages took %v", took)
	}
	diff(t, "heard", []int64{heard.all()[0].Sequence, heard.all()[1].Sequence, heard.all()[2].Sequence}, []int64{1, 5, 6})
	for sequence, want := range map[int64]int64{1: 1, 3: 5, 4: 1, 5: 3, 6: 1} {
		n, _ := tries.Load(sequence)
		diff(t, fmt.Sprintf("tries of %d", sequence), n.(*atomic.Int64).Load(), want)
	}

	parked, err := messaging.List(t.Context(), pool, messaging.Filter{}, 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[int64]string{}
	for _, p := range parked {
		reasons[*p.Offset] = p.Error
		if p.Topic != topic {
			t.Errorf("parked from %s", p.Topic)
		}
	}
	diff(t, "reasons", reasons, map[int64]string{
		0: `not a CloudEvent of version 1.0: ce_specversion is ""`,
		2: `unknown event type "commerce.inventory.stock-eaten.v1"`,
		3: "panic: a string",
		4: "handle: no such thing",
	})
	var key, value []byte
	var headers map[string][]string
	if err := pool.QueryRow(t.Context(), `SELECT key, value, headers FROM parked_messages WHERE "offset" = 0`).Scan(&key, &value, &headers); err != nil {
		t.Fatal(err)
	}
	diff(t, "key", key, binary.Key)
	diff(t, "value", value, binary.Value)
	of := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	diff(t, "headers", headers, map[string][]string{"ce_id": {of("\xffid")}, "twice": {of("\x01"), of("\x02")}})

	if err := testutil.GatherAndCompare(metrics, strings.NewReader(`
# HELP events_processed_total Messages by what became of them (processed, duplicate, parked, held behind parked ones), and tries that failed (failed).
# TYPE events_processed_total counter
events_processed_total{error_type="",event_type="commerce.inventory.stock-released.v1",status="processed"} 3
events_processed_total{error_type="bug",event_type="commerce.inventory.stock-released.v1",status="failed"} 2
events_processed_total{error_type="panic",event_type="commerce.inventory.stock-released.v1",status="failed"} 5
events_processed_total{error_type="panic",event_type="commerce.inventory.stock-released.v1",status="parked"} 1
events_processed_total{error_type="refusal-conflict",event_type="commerce.inventory.stock-released.v1",status="failed"} 1
events_processed_total{error_type="refusal-conflict",event_type="commerce.inventory.stock-released.v1",status="parked"} 1
events_processed_total{error_type="permanent",event_type="unknown",status="failed"} 2
events_processed_total{error_type="permanent",event_type="unknown",status="parked"} 2
`), "events_processed_total"); err != nil {
		t.Error(err)
	}
}

// What is unavailable is waited for, and nothing is parked for it. The other partitions go on.
func TestConsumerWaitsForWhatIsUnavailable(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	var away atomic.Bool
	var tries atomic.Int64
	away.Store(true)
	var heard ears
	startConsumer(t, messaging.ConsumerConfig{
		Brokers: brokers, Group: prefix, Topics: names, TopicPrefix: prefix, Pool: pool,
		Handle: func(ctx context.Context, m contracts.Message) error {
			if m.Subject == "order-0" && away.Load() {
				tries.Add(1)
				return fmt.Errorf("append: %w", eventlog.ErrUnavailable)
			}
			return heard.hear(ctx, m)
		},
	})
	// Far more than are fetched at a time wait behind it.
	var stuck, others []contracts.Message
	for i := range 600 {
		stuck = append(stuck, said(contracts.StockReleased{}, "order-0", i))
	}
	say(t, brokers, prefix, stuck...)
	eventually(t, "it is tried again", func() bool { return tries.Load() >= 3 })
	partitionOf := func(key string) int {
		return kgo.StickyKeyPartitioner(nil).ForTopic(names[0]).Partition(&kgo.Record{Key: []byte(key)}, contracts.Partitions)
	}
	for i := 1; len(others) < 50; i++ {
		if partitionOf(keyOf(i)) != partitionOf("order-0") {
			others = append(others, said(contracts.StockReleased{}, keyOf(i), i))
		}
	}
	say(t, brokers, prefix, others...)
	eventually(t, "the others are heard", func() bool { return heard.count() == len(others) })
	if n := queryOne[int](t, pool, "SELECT count(*) FROM parked_messages"); n != 0 {
		t.Errorf("%d are parked", n)
	}
	away.Store(false)
	eventually(t, "all are heard", func() bool { return heard.count() == len(others)+len(stuck) })
	checkFirstCopies(t, heard.all(), append(stuck, others...))
}

// A message that cannot be parked, because PostgreSQL is away, is parked when it is back.
func TestConsumerWaitsForThePlaceToPark(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	pool, brokers, prefix := pgtest.PoolOn(t, server, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	produce(t, brokers, &kgo.Record{Topic: prefix + names[0], Key: []byte("order-1"), Value: []byte("poison")})
	say(t, brokers, prefix, said(contracts.StockReleased{}, "order-1", 1))
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	var heard ears
	metrics := prometheus.NewRegistry()
	consumer, _ := startConsumer(t, messaging.ConsumerConfig{
		Brokers: brokers, Group: prefix, Topics: names, TopicPrefix: prefix, Pool: pool, Handle: heard.hear, Metrics: metrics,
	})
	eventually(t, "it has met the poison", func() bool {
		return testutil.GatherAndCompare(metrics, strings.NewReader(`
# HELP events_processed_total Messages by what became of them (processed, duplicate, parked, held behind parked ones), and tries that failed (failed).
# TYPE events_processed_total counter
events_processed_total{error_type="permanent",event_type="unknown",status="failed"} 1
`), "events_processed_total") == nil
	})
	diff(t, "what is amiss", consumer.Degraded(), []string(nil))
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the next is heard", func() bool { return heard.count() == 1 })
	if n := queryOne[int](t, pool, "SELECT count(*) FROM parked_messages"); n != 1 {
		t.Errorf("%d are parked", n)
	}
}

func TestConsumerCountsDuplicatesAsHandled(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	metrics := prometheus.NewRegistry()
	message := said(contracts.StockReleased{}, "order-1", 1)
	say(t, brokers, prefix, message, message, message)
	var calls atomic.Int64
	startConsumer(t, messaging.ConsumerConfig{
		Brokers: brokers, Group: prefix, Topics: names, TopicPrefix: prefix, Pool: pool, Metrics: metrics,
		Handle: func(context.Context, contracts.Message) error {
			if calls.Add(1) > 1 {
				return messaging.ErrDuplicate
			}
			return nil
		},
	})
	want := strings.NewReader(`
# HELP events_processed_total Messages by what became of them (processed, duplicate, parked, held behind parked ones), and tries that failed (failed).
# TYPE events_processed_total counter
events_processed_total{error_type="",event_type="commerce.inventory.stock-released.v1",status="processed"} 1
events_processed_total{error_type="",event_type="commerce.inventory.stock-released.v1",status="duplicate"} 2
`)
	var err error
	eventually(t, "the counts are right", func() bool {
		_, _ = want.Seek(0, 0)
		err = testutil.GatherAndCompare(metrics, want, "events_processed_total")
		return err == nil
	})
	if calls.Load() != 3 {
		t.Errorf("%d calls", calls.Load())
	}
}

// Replicas share the partitions. What one has not acknowledged when it goes, another hears.
func TestConsumersOfAGroupShareAndTakeOver(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	var heard [2]ears
	var stops [2]func()
	hold := make(chan struct{})
	for i := range heard {
		_, stops[i] = startConsumer(t, messaging.ConsumerConfig{
			Brokers: brokers, Group: prefix, Topics: names, TopicPrefix: prefix, Pool: pool,
			Handle: func(ctx context.Context, m contracts.Message) error {
				if i == 0 && m.Sequence >= 1000 {
					select { // it is being handled when its replica goes
					case <-hold:
					case <-ctx.Done():
						return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, ctx.Err())
					}
				}
				return heard[i].hear(ctx, m)
			},
		})
	}
	var written []contracts.Message
	eventually(t, "both hear", func() bool {
		batch := []contracts.Message{}
		for range 24 {
			batch = append(batch, said(contracts.StockReleased{}, keyOf(len(written)+len(batch)), len(written)+len(batch)))
		}
		say(t, brokers, prefix, batch...)
		written = append(written, batch...)
		eventually(t, "the batch is heard", func() bool { return heard[0].count()+heard[1].count() >= len(written) })
		return heard[0].count() > 0 && heard[1].count() > 0
	})
	var last []contracts.Message
	for i := range 48 {
		last = append(last, said(contracts.StockReleased{}, keyOf(i), 1000+i))
	}
	say(t, brokers, prefix, last...)
	written = append(written, last...)
	begun := time.Now()
	stops[0]()
	eventually(t, "the other hears the rest", func() bool {
		seen := map[string]bool{}
		for _, m := range append(heard[0].all(), heard[1].all()...) {
			seen[m.ID] = true
		}
		return len(seen) == len(written)
	})
	t.Logf("taken over after %v", time.Since(begun))
	close(hold)
	checkArrived(t, append(heard[0].all(), heard[1].all()...), written)
}

// checkArrived is for what several heard: there is no order between them.
func checkArrived(t *testing.T, got, want []contracts.Message) {
	t.Helper()
	seen := map[string]bool{}
	for _, m := range got {
		seen[m.ID] = true
	}
	for _, m := range want {
		if !seen[m.ID] {
			t.Errorf("%s is lost", m.Subject)
		}
	}
}

// What was acknowledged is not heard again by the next run of the same group.
func TestConsumerGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	var heard ears
	consumer, err := messaging.NewConsumer(messaging.ConsumerConfig{
		Brokers: brokers, Group: prefix, Topics: names, TopicPrefix: prefix, Pool: pool, Handle: heard.hear,
	})
	if err != nil {
		t.Fatal(err)
	}
	var written []contracts.Message
	for run := range 3 { // one consumer may be run again
		stop := inBackground(t, "consumer", consumer.Run)
		for i := range 30 {
			written = append(written, said(contracts.StockReleased{}, keyOf(i), 100*run+i))
		}
		say(t, brokers, prefix, written[len(written)-30:]...)
		eventually(t, "all are heard", func() bool { return heard.count() >= len(written) })
		stop()
	}
	if n := checkFirstCopies(t, heard.all(), written); n != 0 {
		t.Errorf("%d were heard again", n)
	}
}

func TestCaughtUp(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{}, contracts.StockReserved{})
	gate := make(chan struct{})
	var heard ears
	config := messaging.ConsumerConfig{
		Brokers: brokers, Group: prefix, Topics: names, TopicPrefix: prefix, Pool: pool,
		Handle: func(ctx context.Context, m contracts.Message) error {
			select {
			case <-gate:
			case <-ctx.Done():
				return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, ctx.Err())
			}
			return heard.hear(ctx, m)
		},
	}
	consumer, _ := startConsumer(t, config)
	var past func(context.Context) (bool, error)
	var err error
	eventually(t, "the new topics are ready", func() bool {
		past, err = consumer.CaughtUp(t.Context())
		return err == nil
	})
	if ok, err := past(t.Context()); !ok || err != nil {
		t.Errorf("with nothing said: %t, %v", ok, err)
	}
	for i := range 24 {
		say(t, brokers, prefix, said(contracts.StockReleased{}, keyOf(i), i))
	}
	if past, err = consumer.CaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ok, err := past(t.Context()); ok || err != nil {
		t.Errorf("with all of it waiting: %t, %v", ok, err)
	}
	close(gate)
	eventually(t, "the group is past", func() bool {
		ok, err := past(t.Context())
		if ok && heard.count() < 24 {
			t.Fatalf("caught up with %d of 24 heard", heard.count())
		}
		return ok && err == nil
	})
	// What is said later does not matter to it.
	say(t, brokers, prefix, said(contracts.StockReleased{}, keyOf(1), 99))
	if ok, err := past(t.Context()); !ok || err != nil {
		t.Errorf("later: %t, %v", ok, err)
	}

	config.Brokers = []string{deadAddress(t)}
	lonely, err := messaging.NewConsumer(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lonely.CaughtUp(t.Context()); err == nil {
		t.Error("caught up without Kafka")
	}
}

func TestConsumerTellsWhatIsAmiss(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	var heard ears
	away, stop := startConsumer(t, messaging.ConsumerConfig{
		Brokers: []string{deadAddress(t)}, Group: prefix, Topics: names, TopicPrefix: prefix, Pool: pool, Handle: heard.hear,
	})
	diff(t, "without Kafka", away.Degraded(), []string{"kafka: events cannot be heard"})
	begun := time.Now()
	stop()
	if took := time.Since(begun); took > 8*time.Second {
		t.Errorf("to stop without Kafka took %v", took)
	}

	park(t, pool, messaging.Parking{Topic: "elsewhere", MessageID: "1"})
	park(t, pool, messaging.Parking{Topic: "elsewhere", MessageID: "2"})
	full, _ := startConsumer(t, messaging.ConsumerConfig{
		Brokers: brokers, Group: prefix, Topics: names, TopicPrefix: prefix, Pool: pool, Handle: heard.hear, ParkingPlaces: 2,
	})
	eventually(t, "it tells only of the parking place", func() bool {
		amiss := full.Degraded()
		return len(amiss) == 1 && amiss[0] == "parking place: 2 or more messages are parked"
	})
}

// The spans of sending and handling belong to the trace of the message, and the handler goes on from its own.
func TestMessagesKeepTheirTrace(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	spans := tracetest.NewInMemoryExporter()
	tracer := trace.NewTracerProvider(trace.WithSyncer(spans)).Tracer("test")
	message := said(contracts.StockReleased{}, "order-1", 1)
	message.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	write(t, pool, message)
	startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix, Tracer: tracer})
	var heard ears
	startConsumer(t, messaging.ConsumerConfig{
		Brokers: brokers, Group: prefix, Topics: names, TopicPrefix: prefix, Pool: pool, Tracer: tracer, Handle: heard.hear,
	})
	eventually(t, "both spans have ended", func() bool { return len(spans.GetSpans()) == 2 })
	for _, s := range spans.GetSpans() {
		diff(t, "trace of "+s.Name, s.SpanContext.TraceID().String(), "0af7651916cd43dd8448eb211c80319c")
		diff(t, "parent of "+s.Name, s.Parent.SpanID().String(), "b7ad6b7169203331")
		switch s.SpanKind {
		case oteltrace.SpanKindProducer:
			diff(t, "name", s.Name, "send "+prefix+names[0])
		case oteltrace.SpanKindConsumer:
			diff(t, "name", s.Name, "process "+prefix+names[0])
			diff(t, "link", s.Links[0].SpanContext.SpanID().String(), "b7ad6b7169203331")
			diff(t, "what the handler goes on from", heard.all()[0].TraceParent,
				fmt.Sprintf("00-%s-%s-01", s.SpanContext.TraceID(), s.SpanContext.SpanID()))
		default:
			t.Errorf("span %s", s.Name)
		}
	}
}
