package saga

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/cmd/waybill/processes"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/contracts"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

// message is a record as it stands on a topic.
type message struct {
	topic string // without its prefix
	key   string
	contracts.Message
}

// hearPrefix stands before what a service hears: each has its own where a pump brings it.
func hearPrefix(config processes.Config, service string) string {
	if config.HearPrefix == config.PublishPrefix {
		return config.HearPrefix
	}
	return config.HearPrefix + service + "-"
}

// heardBy are the topics that a service hears.
func heardBy(service string) []contracts.Topic {
	hears := map[string]func() []contracts.Event{
		suite.Orders: order.Hears, suite.Payments: payment.Hears, suite.Inventory: stock.Hears,
		suite.Shipping: shipment.Hears, suite.Notifications: mail.Hears,
	}
	var topics []contracts.Topic
	for _, e := range hears[service]() {
		for _, topic := range contracts.Topics() {
			if topic.Name == e.Type().Topic() {
				topics = append(topics, topic)
			}
		}
	}
	return topics
}

// prefixed are the topics' names under a prefix.
func prefixed(prefix string, topics []contracts.Topic) []string {
	var names []string
	for _, topic := range topics {
		names = append(names, prefix+topic.Name)
	}
	return names
}

// readTopics reads all that stands on topics under a prefix now, each partition in its order.
func (s *testSuite) readTopics(t *testing.T, prefix string, topics []contracts.Topic) []message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ends, err := s.admin.ListEndOffsets(ctx, prefixed(prefix, topics)...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	wanted := int64(0)
	for _, partitions := range ends {
		for _, end := range partitions {
			wanted += end.Offset
		}
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(s.config.KafkaBrokers...), kgo.ConsumeTopics(prefixed(prefix, topics)...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var all []message
	for int64(len(all)) < wanted {
		fetched := reader.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			t.Fatalf("%d of %d records were read: %v", len(all), wanted, err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			headers := map[string]string{}
			for _, h := range r.Headers {
				headers[h.Key] = string(h.Value)
			}
			decoded, err := contracts.Decode(headers, r.Value)
			if err != nil {
				t.Fatalf("%s: %v", r.Topic, err)
			}
			all = append(all, message{strings.TrimPrefix(r.Topic, prefix), string(r.Key), decoded})
		})
	}
	return all
}

// firstCopies checks that the first copies of a topic and key stand in the order in which they were said, and returns
// these.
func firstCopies(t *testing.T, all []message) []message {
	t.Helper()
	type place struct{ topic, key string }
	last := map[place]message{}
	seen := map[string]bool{}
	var first []message
	for _, m := range all {
		if seen[m.ID] {
			continue
		}
		seen[m.ID] = true
		at := place{m.topic, m.key}
		if before, ok := last[at]; ok && before.Sequence >= m.Sequence {
			t.Errorf("%s: of order %s the sequence %d stands after %d", m.topic, m.Subject, m.Sequence, before.Sequence)
		}
		last[at] = m
		first = append(first, m)
	}
	return first
}

// checkTopics holds what was said, at rest, against what must be true of any run.
func (s *testSuite) checkTopics(t *testing.T) {
	t.Helper()
	said := firstCopies(t, s.readTopics(t, s.config.PublishPrefix, contracts.Topics()))
	if s.pump != nil {
		for _, service := range suite.ServiceNames() {
			// What the pump has brought is itself in order per topic and key.
			firstCopies(t, s.readTopics(t, hearPrefix(s.config, service), heardBy(service)))
		}
	}
	s.checkAllSaid(t, said)

	traces, counts := map[string]string{}, map[string]map[string]int{}
	for _, m := range said {
		reference := m.Tenant + "/" + m.Subject
		if counts[reference] == nil {
			counts[reference] = map[string]int{}
		}
		counts[reference][m.topic]++
		if m.key != m.Subject {
			t.Errorf("%s: the message %s of order %s has the key %s", m.topic, m.ID, m.Subject, m.key)
		}
		// A request of its own, such as an operator's, has a trace of its own, and all that comes of it.
		if _, traced := traces[m.CorrelationID]; !traced {
			traces[m.CorrelationID] = traceID(m.TraceParent)
		}
		if traces[m.CorrelationID] == "" || traces[m.CorrelationID] != traceID(m.TraceParent) {
			t.Errorf("%s: the message %s of order %s is of the trace %q, not of %q", m.topic, m.ID, reference, m.TraceParent, traces[m.CorrelationID])
		}
	}
	for reference, count := range counts {
		for topic, n := range count {
			if n > 1 && !strings.HasSuffix(topic, "-attention-required") {
				t.Errorf("order %s: %s was said %d times", reference, topic, n)
			}
		}
		for _, both := range [][2]string{
			{"inventory.stock-released", "shipping.order-shipped"},
			{"shipping.order-shipped", "shipping.shipment-cancelled"},
			{"orders.order-completed", "orders.order-cancelled"},
			{"payments.payment-captured", "payments.payment-voided"},
		} {
			if count["commerce."+both[0]] > 0 && count["commerce."+both[1]] > 0 {
				t.Errorf("order %s: both %s and %s were said", reference, both[0], both[1])
			}
		}
	}
}

// checkAllSaid checks that whatever the services have put into their outboxes is on Kafka.
func (s *testSuite) checkAllSaid(t *testing.T, said []message) {
	t.Helper()
	ids := make([]string, len(said))
	for i, m := range said {
		ids[i] = m.ID
	}
	slices.Sort(ids)
	for _, service := range suite.ServiceNames() {
		rows, err := s.database.Query(t.Context(), `SELECT metadata->>'ce_id' FROM `+service+`.watermill_outbox`)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				t.Fatal(err)
			}
			if _, found := slices.BinarySearch(ids, id); !found {
				t.Errorf("%s has the message %s in its outbox, which is not on Kafka", service, id)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// traceID is the trace of a W3C trace context, empty where there is none.
func traceID(traceParent string) string {
	parts := strings.Split(traceParent, "-")
	if len(parts) != 4 {
		return ""
	}
	return parts[1]
}
