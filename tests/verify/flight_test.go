package verify

import (
	"testing"

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
	if !r.Clean || r.Orders != 60 || r.ParkedAll != 3 || len(r.ParkedList) != 3 || r.ParkedOrders != 1 || r.InFlight != 1 || r.Flights[0].Order != open.ID {
		show(t, r)
		t.Errorf("clean: %v, %d messages parked, %d orders; in flight: %v", r.Clean, r.ParkedAll, r.ParkedOrders, r.Flights)
	}
	if r := g.audit(t, true); r.Clean {
		t.Error("an order that waits for what is parked is at rest")
	}
}
