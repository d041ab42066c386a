package verify

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/contracts"
	"waybill.dev/tests/world"
)

func TestOrdersInFlightAreNoFailureButAtRest(t *testing.T) {
	t.Parallel()
	g := newGround(t, "flight", func(o *world.Options) { o.Ways, o.Orders, o.Unread = world.Unfinished(), 10, true })
	if r := g.audit(t, false); !r.Clean || r.Violations != 0 || r.InFlight != 10 || len(r.Flights) != 10 {
		show(t, r)
		t.Errorf("clean: %v, in flight: %d", r.Clean, r.InFlight)
	}
	if r := g.audit(t, true); r.Clean || r.Violations != 0 {
		show(t, r)
		t.Errorf("clean: %v, violations: %d", r.Clean, r.Violations)
	}
}

// What was due while the orders service was down is in flight until it has had the time to judge it.
func TestDeadlinesThatPassedWhileOrdersWasDownAreInFlight(t *testing.T) {
	t.Parallel()
	g := newGround(t, "down", nil)
	o := g.first(world.Completed)
	withoutEnd(t, g, o)
	if r := g.audit(t, false); !slices.Contains(wrong(r)[o.Tenant+"/"+o.ID], 1) {
		show(t, r)
		t.Error("with nobody at work the order is not stuck")
	}
	config, err := pgx.ParseConfig(g.admin)
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["application_name"] = "waybill orders"
	session, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(context.WithoutCancel(t.Context()))
	if r := g.audit(t, false); slices.Contains(wrong(r)[o.Tenant+"/"+o.ID], 1) {
		show(t, r)
		t.Error("with orders just started the order is stuck")
	}
}

// What orders has not read yet may be what is awaited: no deadline is judged before.
func TestDeadlinesAreInFlightWhileOrdersIsBehind(t *testing.T) {
	t.Parallel()
	g := newGround(t, "behind", func(o *world.Options) {
		o.Send = func(_ world.Order, r *kgo.Record) bool {
			r.Timestamp = time.Now().Add(-time.Hour)
			return true
		}
	})
	o := g.first(world.Completed)
	withoutEnd(t, g, o)
	k := g.kafka(t)
	for _, c := range []struct {
		topic string
		stuck bool
	}{{placedTopic, true}, {authorizedTopic, false}} { // orders does not hear its own
		another := (k.message(t, o, c.topic).Partition + 1) % contracts.Partitions
		unread := kadm.Offsets{}
		unread.AddOffset(g.prefix+c.topic, another, 0, -1)
		if err := k.admin.CommitAllOffsets(t.Context(), g.prefix+suite.Orders, unread); err != nil {
			t.Fatal(err)
		}
		if r := g.audit(t, false); slices.Contains(wrong(r)[key(o)], 1) != c.stuck {
			show(t, r)
			t.Errorf("with what %s/%d holds unread, is the order stuck? want %v", c.topic, another, c.stuck)
		}
	}
}

func TestParkedMessagesAreShownAsWhatTheyAre(t *testing.T) {
	t.Parallel()
	g := newGround(t, "parked", nil)
	park := `INSERT INTO notifications.parked_messages (id, topic, headers, tenant, subject, message_id, event_type, error)
		SELECT gen_random_uuid(), 'a topic', '{}', $1, $2, id::text, 'order-completed', 'a bug' FROM orders.events
		WHERE kind = 'order.completed' AND stream = $1 || '/order/' || $2`
	// One was handled in the end; of the other nothing was noted.
	handled, open := g.orders[world.Completed][0], g.orders[world.Completed][1]
	g.exec(t, park, handled.Tenant, handled.ID)
	g.exec(t, park, open.Tenant, open.ID)
	g.exec(t, `DELETE FROM notifications.events WHERE stream = $1 || '/mail/' || $2 AND version >= (SELECT min(version) FROM notifications.events
		WHERE stream = $1 || '/mail/' || $2 AND data->>'mail' = 'order-completed')`, open.Tenant, open.ID)
	// A third is about an order that there is not.
	g.exec(t, `INSERT INTO shipping.parked_messages (id, topic, headers, tenant, subject, message_id, event_type, error)
		VALUES (gen_random_uuid(), 'carrier-webhooks', '{}', 'default', 'nobody', 'msg_1', 'parcel.picked_up', 'unknown')`)
	r := g.audit(t, false)
	if !r.Clean || r.Orders != 60 || r.ParkedAll != 3 || len(r.ParkedList) != 3 || r.ParkedOrders != 2 || r.InFlight != 0 || r.Waiting != 1 {
		show(t, r)
		t.Errorf("clean: %v, %d messages parked, %d orders, %d of them waiting; in flight: %v", r.Clean, r.ParkedAll, r.ParkedOrders, r.Waiting, r.Flights)
	}
	var printed strings.Builder
	if err := r.Print(&printed, false); err != nil || !strings.Contains(printed.String(), "as far as can be proven: 2 parked.") {
		t.Errorf("%v: %s", err, printed.String())
	}
	if r := g.audit(t, true); r.Clean {
		t.Error("an order that waits for what is parked is at rest")
	}
	// Whoever discards a message excuses that it was not heard, and nothing else.
	g.exec(t, `INSERT INTO notifications.parked_messages (id, topic, headers, tenant, subject, message_id, event_type, error)
		SELECT gen_random_uuid(), 'a topic', '{}', $1, $2, id::text, 'shipment-delivered', 'a bug' FROM shipping.events
		WHERE kind = 'shipment.delivered' AND stream = $1 || '/shipment/' || $2`, open.Tenant, open.ID)
	g.exec(t, "UPDATE notifications.parked_messages SET state = 'discarded'")
	r = g.audit(t, true)
	if !r.Clean || r.ParkedOrders != 0 || r.ParkedAll != 1 || len(r.ParkedList) != 1 || r.DiscardedAll != 3 || len(r.DiscardedList) != 3 {
		show(t, r)
		t.Errorf("clean: %v, %d orders parked, %d messages, %d discarded", r.Clean, r.ParkedOrders, r.ParkedAll, r.DiscardedAll)
	}
	g.exec(t, "UPDATE notifications.parked_messages SET event_type = 'another', message_id = 'another' WHERE subject = $1", open.ID)
	if r := g.audit(t, false); r.Violations == 0 {
		t.Error("a message that was not heard is excused by another that was discarded")
	}
}
