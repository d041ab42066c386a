package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"

	"waybill.dev/contracts"
	"waybill.dev/local/broker"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/server"
)

func startBroker(t *testing.T) []string {
	t.Helper()
	b, err := broker.Start(broker.Config{Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	})
	return b.Brokers()
}

func placed(id string) contracts.Message {
	return contracts.Message{
		ID: uuid.NewString(), Source: "/waybill/orders", Subject: id, Time: time.Now(), Tenant: "acme", CorrelationID: "c-7",
		PartitionKey: id, Sequence: 1, TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		Data: contracts.OrderPlaced{Lines: []contracts.OrderLine{{SKU: "a"}, {SKU: "b"}}},
	}
}

func say(t *testing.T, brokers []string, prefix string, m contracts.Message) {
	t.Helper()
	record, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	sayRecord(t, brokers, prefix, record)
}

func sayRecord(t *testing.T, brokers []string, prefix string, record contracts.Record) {
	t.Helper()
	c := sarama.NewConfig()
	c.Version = sarama.V3_6_0_0
	c.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer(brokers, c)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	message := &sarama.ProducerMessage{Topic: prefix + record.Topic, Key: sarama.StringEncoder(record.Key), Value: sarama.ByteEncoder(record.Value)}
	for name, value := range record.Headers {
		message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(name), Value: []byte(value)})
	}
	if _, _, err := producer.SendMessage(message); err != nil {
		t.Fatal(err)
	}
}

// heard are the records of a topic so far.
func heard(t *testing.T, brokers []string, topic string) []contracts.Message {
	t.Helper()
	c := sarama.NewConfig()
	c.Version = sarama.V3_6_0_0
	client, err := sarama.NewClient(brokers, c)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	var messages []contracts.Message
	for p := range int32(contracts.Partitions) {
		end, err := client.GetOffset(topic, p, sarama.OffsetNewest)
		if err != nil {
			t.Fatal(err)
		}
		if end == 0 {
			continue
		}
		partition, err := consumer.ConsumePartition(topic, p, sarama.OffsetOldest)
		if err != nil {
			t.Fatal(err)
		}
		for record := range partition.Messages() {
			headers := map[string]string{}
			for _, h := range record.Headers {
				headers[string(h.Key)] = string(h.Value)
			}
			m, err := contracts.Decode(headers, record.Value)
			if err != nil {
				t.Fatal(err)
			}
			messages = append(messages, m)
			if record.Offset == end-1 {
				break
			}
		}
		partition.Close()
	}
	return messages
}

func TestMessageIsHeardOnceAndAnswered(t *testing.T) {
	t.Parallel()
	brokers := startBroker(t)
	c := config(t, pgtest.Service(t, counting, nil).ServiceURL)
	c.KafkaBrokers, c.HearPrefix, c.PublishPrefix = brokers, "in.", "out."
	r := run(t, countingService(&errands{}), c, server.Options{})
	eventually(t, "readiness", func() bool { return r.call("GET", "/readyz", "").body["status"] == "ready" })
	m := placed(order)
	say(t, brokers, "in.", m)
	say(t, brokers, "in.", m)
	second := placed("0199c3b4-7d1e-7000-8000-000000000008")
	second.PartitionKey = order // so that it comes after both
	say(t, brokers, "in.", second)
	eventually(t, "the errands", func() bool { return r.noted(order) != "" && r.noted(second.Subject) != "" })
	if a := r.call("GET", "/v1/counters/"+order, "", "X-Tenant-ID", "acme"); a.body["total"] != 2.0 || r.noted(order) != "after "+order {
		t.Errorf("%s", a.raw)
	}
	var said []contracts.Message
	eventually(t, "the answers on Kafka", func() bool {
		said = heard(t, brokers, "out.commerce.inventory.stock-reserved")
		return len(said) == 2
	})
	history, err := r.App().Log.History(t.Context(), counters.Stream("acme", order))
	if err != nil || len(history) != 2 {
		t.Fatalf("%v %v", history, err)
	}
	if history[0].CausationID != m.ID || history[0].CorrelationID != "c-7" || !strings.HasPrefix(history[0].TraceParent, "00-4bf92f3577b34da6a3ce929d0e0e4736-") {
		t.Errorf("the fact's causes: %+v", history[0])
	}
	for _, s := range said {
		if s.Subject == order && (s.CorrelationID != "c-7" || s.Tenant != "acme" || !strings.HasPrefix(s.TraceParent, "00-4bf92f3577b34da6a3ce929d0e0e4736-")) {
			t.Errorf("%+v", s)
		}
	}
	metrics := r.call("GET", "/metrics", "").raw
	for _, want := range []string{
		`events_processed_total{error_type="",event_type="commerce.orders.order-placed.v1",status="processed"} 2`,
		`events_processed_total{error_type="",event_type="commerce.orders.order-placed.v1",status="duplicate"} 1`,
		"event_processing_duration_seconds_count", "outbox_depth", "clock_offset_seconds", "outbox_oldest_age_seconds", "http_request_duration_seconds_count",
		`job_attempts_total{kind="errand",outcome="done"} 2`, "go_goroutines",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

func TestParkedMessagesAreListedByTenantWithoutTheirContent(t *testing.T) {
	t.Parallel()
	brokers := startBroker(t)
	c := config(t, pgtest.Service(t, counting, nil).ServiceURL)
	c.KafkaBrokers = brokers
	r := run(t, countingService(&errands{}), c, server.Options{})
	eventually(t, "readiness", func() bool { return r.call("GET", "/readyz", "").body["status"] == "ready" })
	for range 3 {
		record, err := placed(order).Encode()
		if err != nil {
			t.Fatal(err)
		}
		record.Value = []byte(`{"customer":{"email":"secret@example.com"},"lines":7}`)
		sayRecord(t, brokers, "", record)
	}
	get := func(tenant, query string) (items []map[string]any, next string) {
		a := r.call("GET", "/v1/parked"+query, "", "X-Tenant-ID", tenant)
		if a.status != http.StatusOK || strings.Contains(a.raw, "secret@example.com") {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		var page struct {
			Items      []map[string]any
			NextCursor string
		}
		if err := json.Unmarshal([]byte(a.raw), &page); err != nil || page.Items == nil {
			t.Fatalf("%v in %s", err, a.raw)
		}
		return page.Items, page.NextCursor
	}
	eventually(t, "three parked messages", func() bool { items, _ := get("acme", ""); return len(items) == 3 })
	if items, _ := get("other", ""); len(items) != 0 {
		t.Errorf("another tenant sees %v", items)
	}
	first, next := get("acme", "?limit=2")
	rest, end := get("acme", "?limit=2&cursor="+next)
	if len(first) != 2 || len(rest) != 1 || next == "" || end != "" {
		t.Fatalf("pages of %d and %d, cursors %q and %q", len(first), len(rest), next, end)
	}
	seen := map[any]bool{}
	for _, item := range append(first, rest...) {
		seen[item["id"]] = true
		if item["topic"] != "commerce.orders.order-placed" || item["subject"] != order || item["error"] == "" {
			t.Errorf("%v", item)
		}
	}
	if len(seen) != 3 {
		t.Errorf("pages overlap: %v", seen)
	}
}

func TestOneServiceTwiceInOneProcess(t *testing.T) {
	t.Parallel()
	brokers := startBroker(t)
	c := config(t, pgtest.Service(t, counting, nil).ServiceURL)
	c.KafkaBrokers = brokers
	one := run(t, countingService(&errands{}), c, server.Options{})
	two := run(t, countingService(&errands{}), c, server.Options{})
	for _, r := range []*running{one, two} {
		eventually(t, "readiness", func() bool { return r.call("GET", "/readyz", "").body["status"] == "ready" })
	}
	for range 20 {
		say(t, brokers, "", placed(uuid.NewString()))
	}
	one.ask("a", "by one")
	eventually(t, "errands of both", func() bool { return completedJobs(t, two) == 21 })
	if two.noted("a") != "by one" {
		t.Errorf("the other replica does not see it")
	}
	one.stop()
	say(t, brokers, "", placed(order))
	eventually(t, "the other replica", func() bool { return two.noted(order) != "" })
}
