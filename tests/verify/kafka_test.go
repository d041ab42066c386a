package verify

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/cmd/waybill/client"
	audit "waybill.dev/cmd/waybill/verify"
	"waybill.dev/contracts"
	"waybill.dev/platform/messaging"
	"waybill.dev/tests/world"
)

// The topics that are damaged.
var (
	placedTopic     = contracts.OrderPlaced{}.Type().Topic()
	authorizedTopic = contracts.PaymentAuthorized{}.Type().Topic()
	completedTopic  = contracts.OrderCompleted{}.Type().Topic()
	attentionTopic  = contracts.PaymentAttentionRequired{}.Type().Topic()
)

func TestWhatIsWrongOnKafkaIsFound(t *testing.T) {
	t.Parallel()
	var withheld []*kgo.Record
	g := newGround(t, "wrong", func(options *world.Options) {
		options.Orders = 200
		seen := map[string]int{}
		options.Send = func(o world.Order, r *kgo.Record) bool {
			topic := strings.TrimPrefix(r.Topic, options.Prefix)
			if topic == placedTopic {
				seen[o.Way]++
			}
			switch n := seen[o.Way]; {
			case topic == placedTopic && o.Way == world.Completed && n == 2, topic == completedTopic && o.Way == world.Completed && n == 3:
				return false
			case topic == attentionTopic && o.Way == world.RefusedTwice && n == 1:
				withheld = append(withheld, r)
				return false
			case topic == placedTopic && o.Way == world.Cancelled && n == 2:
				r.Value = bytes.Replace(r.Value, []byte(`"amount":1999`), []byte(`"amount":1`), 1)
			case topic == placedTopic && o.Way == world.Cancelled && n == 3:
				setHeader(r, contracts.HeaderCausationID, "another")
			}
			return true
		}
	})
	completed := g.orders[world.Completed]
	k := g.kafka(t)
	// Said of a completed order, and never due.
	k.send(t, k.message(t, completed[0], placedTopic), func(r *kgo.Record) { setHeader(r, contracts.HeaderID, "never-due") })
	// The order's two messages of a topic, the second first.
	inverted := g.first(world.RefusedTwice)
	slices.Reverse(withheld)
	for _, r := range withheld {
		k.send(t, r, func(*kgo.Record) {})
	}
	// The same message again is nothing, and is a second one where its body says something else.
	cancelled := g.orders[world.Cancelled]
	k.send(t, k.message(t, cancelled[0], placedTopic), func(*kgo.Record) {})
	twofold := g.orders[world.RefusedTwice][1]
	k.send(t, k.message(t, twofold, placedTopic), func(r *kgo.Record) { r.Value = []byte("{}") })
	// Under another key.
	k.send(t, k.message(t, g.first(world.TooLate), placedTopic), func(r *kgo.Record) { r.Key = []byte("another") })
	// No message at all, once parked and once not.
	parkedAt := k.send(t, &kgo.Record{Topic: g.prefix + placedTopic, Value: []byte("?")}, func(*kgo.Record) {})
	k.send(t, &kgo.Record{Topic: g.prefix + placedTopic, Value: []byte("!")}, func(*kgo.Record) {})
	g.exec(t, `INSERT INTO payments.parked_messages (id, topic, partition, "offset", headers, tenant, subject, message_id, event_type, error)
		VALUES (gen_random_uuid(), $1, $2, $3, '{}', '', '', '', '', 'it is no message')`, parkedAt.Topic, parkedAt.Partition, parkedAt.Offset)
	// In an outbox, and not sent.
	unsent := completed[2]
	g.exec(t, `INSERT INTO orders.watermill_outbox (uuid, payload, metadata, transaction_id)
		SELECT id, '{}', json_build_object('ce_id', id, 'ce_tenantid', $1::text, 'ce_subject', $2::text), '3' FROM orders.events
		WHERE kind = 'order.completed' AND stream = $1 || '/order/' || $2`, unsent.Tenant, unsent.ID)
	k.commit(t)
	// No message either, and nobody has come so far as to park it.
	k.send(t, &kgo.Record{Topic: g.prefix + placedTopic, Value: []byte("!")}, func(*kgo.Record) {})

	r := g.audit(t, false)
	want := map[string][]int{
		"/": {6}, key(completed[0]): {6}, key(completed[1]): {6}, key(inverted): {6}, key(g.first(world.TooLate)): {6},
		key(cancelled[1]): {6}, key(cancelled[2]): {6}, key(twofold): {6},
	}
	if diff := cmp.Diff(want, wrong(r)); diff != "" || r.Violations != 8 {
		show(t, r)
		t.Errorf("%d violations, (-want +got):\n%s", r.Violations, diff)
	}
	if len(r.Flights) != 1 || r.Flights[0].Order != unsent.ID || r.InFlight != 1 {
		t.Errorf("in flight: %v", r.Flights)
	}
	if r.ParkedAll != 1 || r.ParkedList[0].Error != "it is no message" {
		t.Errorf("parked: %v", r.ParkedList)
	}
}

func TestWhatKafkaNoLongerKeepsIsNotProvable(t *testing.T) {
	t.Parallel()
	g := newGround(t, "forgotten", func(o *world.Options) { o.Orders = 300 })
	k := g.kafka(t)
	// Half of what was said of orders that were placed, and all that was said of completed ones.
	ends, err := k.admin.ListEndOffsets(t.Context(), g.prefix+placedTopic)
	if err != nil {
		t.Fatal(err)
	}
	upTo, kept := kadm.Offsets{}, int64(0)
	ends.Each(func(o kadm.ListedOffset) {
		upTo.AddOffset(o.Topic, o.Partition, o.Offset/2, -1)
		kept += o.Offset - o.Offset/2
	})
	if _, err := k.admin.DeleteRecords(t.Context(), upTo); err != nil {
		t.Fatal(err)
	}
	r := g.audit(t, true)
	if !r.Clean || r.NotProvable != 300-kept {
		show(t, r)
		t.Errorf("clean: %v; of 300 orders %d are not provable, and %d were kept", r.Clean, r.NotProvable, kept)
	}

	// What stood first is no longer kept, and is sent again behind what came after it.
	g.deleteUpToTheSecond(t, k, g.first(world.RefusedTwice))
	if r := g.audit(t, true); !r.Clean {
		show(t, r)
		t.Error("a message that was sent again is found to stand behind its successor")
	}

	// A topic that was made anew.
	if _, err := k.admin.DeleteTopics(t.Context(), g.prefix+completedTopic); err != nil {
		t.Fatal(err)
	}
	err = client.Await(t.Context(), func(ctx context.Context) error { // it is being deleted for a moment
		return messaging.CreateTopics(ctx, g.brokers, g.prefix, contracts.Topics())
	})
	if err != nil {
		t.Fatal(err)
	}
	again := g.audit(t, true)
	if !again.Clean || again.NotProvable <= r.NotProvable || again.OK+again.Attention == 0 {
		show(t, again)
		t.Errorf("clean: %v; %d orders are not provable, after %d before", again.Clean, again.NotProvable, r.NotProvable)
	}
}

// Under a prefix that is not the suite's nothing would be provable, and so nothing wrong.
func TestTopicsThatAreNotThereAreNotAudited(t *testing.T) {
	t.Parallel()
	g := newGround(t, "elsewhere", nil)
	sources := g.sources(t)
	sources.Prefix = "another-" + g.prefix
	r, err := audit.Run(t.Context(), audit.Options{Sources: sources, Folder: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), sources.Prefix) {
		t.Errorf("clean: %v, %d of %d orders are not provable: %v", r.Clean, r.NotProvable, r.Orders, err)
	}
}

// deleteUpToTheSecond deletes the first message of an order that has two on a topic, with all that stands before the
// second, and sends it again.
func (g ground) deleteUpToTheSecond(t *testing.T, k kafka, o world.Order) {
	t.Helper()
	first := k.message(t, o, attentionTopic)
	upTo := kadm.Offsets{}
	upTo.AddOffset(first.Topic, first.Partition, first.Offset+1, -1)
	if _, err := k.admin.DeleteRecords(t.Context(), upTo); err != nil {
		t.Fatal(err)
	}
	second := k.message(t, o, attentionTopic)
	if second.Offset <= first.Offset || k.send(t, first, func(*kgo.Record) {}).Partition != first.Partition {
		t.Fatalf("%d is followed by %d", first.Offset, second.Offset)
	}
	k.commit(t)
}

func key(o world.Order) string { return o.Tenant + "/" + o.ID }

// kafka speaks to the world's topics.
type kafka struct {
	g      ground
	client *kgo.Client
	admin  *kadm.Client
}

func (g ground) kafka(t *testing.T) kafka {
	t.Helper()
	own, err := kgo.NewClient(kgo.SeedBrokers(g.brokers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(own.Close)
	return kafka{g, own, kadm.NewClient(own)}
}

// message is what was said of an order on a topic.
func (k kafka) message(t *testing.T, o world.Order, topic string) *kgo.Record {
	t.Helper()
	reading, err := kgo.NewClient(kgo.SeedBrokers(k.g.brokers...), kgo.ConsumeTopics(k.g.prefix+topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	for {
		fetched := reading.PollFetches(t.Context())
		if err := fetched.Err(); err != nil {
			t.Fatal(err)
		}
		for _, r := range fetched.Records() {
			if string(r.Key) == o.ID {
				return r
			}
		}
	}
}

// send says a message once more, changed.
func (k kafka) send(t *testing.T, r *kgo.Record, change func(*kgo.Record)) *kgo.Record {
	t.Helper()
	again := &kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value}
	again.Headers = append(again.Headers, r.Headers...)
	change(again)
	if err := k.client.ProduceSync(t.Context(), again).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return again
}

// commit notes that all services have read everything.
func (k kafka) commit(t *testing.T) {
	t.Helper()
	if err := world.CommitAll(t.Context(), k.client, k.g.prefix); err != nil {
		t.Fatal(err)
	}
}

func setHeader(r *kgo.Record, name, value string) {
	for i := range r.Headers {
		if r.Headers[i].Key == name {
			r.Headers[i].Value = []byte(value)
		}
	}
}
