package messaging_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/contracts"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
)

// unknown is the record as it is to a version that does not know its type.
func unknown(r *kgo.Record) *kgo.Record {
	other := *r
	other.Headers = nil
	for _, h := range r.Headers {
		if h.Key == contracts.HeaderType {
			h.Value = []byte("commerce.inventory.stock-mislaid.v1")
		}
		other.Headers = append(other.Headers, h)
	}
	return &other
}

// hears has a consumer see a record through, which must come to one parked message, in a state.
func hears(t *testing.T, consumer *messaging.Consumer, pool *pgxpool.Pool, r *kgo.Record, want messaging.State) messaging.Parked {
	t.Helper()
	if err := consumer.Settle(t.Context(), r); err == nil || errors.Is(err, messaging.ErrDuplicate) {
		t.Fatalf("it can be read: %v", err)
	}
	all := parkedNow(t, pool, messaging.Filter{})
	if len(all) != 1 || all[0].State != want {
		t.Fatalf("parked: %+v; want one that is %s", all, want)
	}
	return all[0]
}

// What is given up by a version that cannot read it is given up for one that can, however often Kafka hands it out.
func TestADiscardHoldsForAVersionThatCanReadTheMessage(t *testing.T) {
	t.Parallel()
	pool, shared := pgtest.Pool(t, service, nil), newTroubles()
	consumer := offlineConsumer(t, pool, shared)
	known := recordOf(t, said(contracts.StockReleased{}, "order-1", 0), 0, 7)
	hears(t, consumer, pool, unknown(known), messaging.StateParked)
	again := hears(t, consumer, pool, unknown(known), messaging.StateParked)
	if err := messaging.Discard(t.Context(), pool, again.ID, operator); err != nil {
		t.Fatal(err)
	}
	hears(t, consumer, pool, unknown(known), messaging.StateDiscarded)
	if err := consumer.Settle(t.Context(), known); !errors.Is(err, messaging.ErrDuplicate) {
		t.Errorf("%v, want %v", err, messaging.ErrDuplicate)
	}
	ids, _ := openBook(t, pool, shared).handled(t, "order-1")
	diff(t, "handled", len(ids), 0)
}

// What cannot be read can be given up though its id has been handled: but not while a version that can read it may be what
// has handled it.
func TestWhatCannotBeReadIsDiscardedThoughItsIDWasHandled(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, service, nil)
	consumer := offlineConsumer(t, pool, newTroubles())
	m := said(contracts.StockReleased{}, "order-1", 0)
	if err := consumer.Settle(t.Context(), recordOf(t, m, 0, 7)); err != nil {
		t.Fatal(err)
	}
	id := hears(t, consumer, pool, unknown(recordOf(t, m, 0, 8)), messaging.StateParked).ID
	redrive(t, pool, id)
	if err := messaging.Discard(t.Context(), pool, id, operator); !errors.Is(err, messaging.ErrHandled) {
		t.Errorf("while it is redriven: %v, want %v", err, messaging.ErrHandled)
	}
	if err := consumer.Replay(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := messaging.Discard(t.Context(), pool, id, operator); err != nil {
		t.Error(err)
	}
}

// A record that tells nothing of itself is known by its place.
func TestWhatHasNoIDIsDiscarded(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, service, nil)
	consumer := offlineConsumer(t, pool, newTroubles())
	r := &kgo.Record{Topic: "topic", Offset: 7, Value: []byte("spoilt")}
	if err := messaging.Discard(t.Context(), pool, hears(t, consumer, pool, r, messaging.StateParked).ID, operator); err != nil {
		t.Fatal(err)
	}
	hears(t, consumer, pool, r, messaging.StateDiscarded)
	if n := queryOne[int](t, pool, "SELECT count(*) FROM inbox"); n != 0 {
		t.Errorf("%d ids are taken, want none", n)
	}
}
