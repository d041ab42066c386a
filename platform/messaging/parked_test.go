package messaging_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"waybill.dev/contracts"
	"waybill.dev/platform/failure"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
)

func park(t *testing.T, db messaging.Database, p messaging.Parking) {
	t.Helper()
	if err := messaging.Park(t.Context(), db, p); err != nil {
		t.Fatal(err)
	}
}

func TestParkKeepsAMessageWhole(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, service, nil)
	p := messaging.Parking{
		Topic: "topic", Place: &messaging.Place{Partition: 3, Offset: 99},
		Key: []byte{0xff, 0}, Headers: map[string][][]byte{"twice": {{0}, {0xfe}}, "nul\x00": {nil}}, Value: []byte{0, 0xff},
		Tenant: "a\x00b", Subject: "\xff", MessageID: strings.Repeat("m", 5000), EventType: "type", Reason: "why",
	}
	park(t, pool, p)
	park(t, pool, p)
	var key, value []byte
	var headers map[string][][]byte
	if err := pool.QueryRow(t.Context(), "SELECT key, value, headers FROM parked_messages").Scan(&key, &value, &headers); err != nil {
		t.Fatal(err)
	}
	diff(t, "key", key, p.Key)
	diff(t, "value", value, p.Value)
	diff(t, "headers", headers, p.Headers, cmpopts.EquateEmpty())
	listed, err := messaging.List(t.Context(), pool, messaging.Filter{}, 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	partition, offset := int32(3), int64(99)
	diff(t, "listed", listed, []messaging.Parked{{
		Topic: "topic", Partition: &partition, Offset: &offset, Tenant: "a\uFFFDb", Subject: "\uFFFD",
		MessageID: strings.Repeat("m", 1000), EventType: "type", Error: "why",
		State: messaging.StateParked, Origin: messaging.FromOutside, Class: failure.Permanent,
	}}, cmpopts.IgnoreFields(messaging.Parked{}, "ID", "ParkedAt"))
}

// A topic that was made anew has other messages at the same places.
func TestParkKeepsAnotherMessageOfTheSamePlace(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, service, nil)
	for _, value := range []string{"first", "second", "second", "first"} {
		park(t, pool, messaging.Parking{Topic: "topic", Place: &messaging.Place{Offset: 5}, Value: []byte(value)})
	}
	kept := queryOne[string](t, pool, "SELECT string_agg(convert_from(value, 'UTF8'), ' ' ORDER BY partition NULLS LAST) FROM parked_messages")
	diff(t, "kept", kept, "first second")
}

// What did not come from Kafka is known by its message id.
func TestParkKnowsAWebhookByItsID(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, service, nil)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"evt_1", "evt_2", "evt_1"} {
		park(t, tx, messaging.Parking{Topic: "carrier-webhooks", MessageID: id, Value: []byte(id), Reason: "unknown reference"})
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	park(t, pool, messaging.Parking{Topic: "carrier-webhooks", MessageID: "evt_2"})
	park(t, pool, messaging.Parking{Topic: "elsewhere", MessageID: "evt_2"})
	if n := queryOne[int](t, pool, "SELECT count(*) FROM parked_messages"); n != 3 {
		t.Errorf("%d are parked, want 3", n)
	}
}

func TestListPagesThroughATenantsMessages(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, service, nil)
	for i := range 10 {
		park(t, pool, messaging.Parking{Topic: "topic", MessageID: fmt.Sprint(i), Tenant: []string{"a", "b"}[i%2]})
	}
	// Several were parked at the same moment: the id decides.
	if _, err := pool.Exec(t.Context(), "UPDATE parked_messages SET parked_at = '2026-01-01' WHERE message_id >= '5'"); err != nil {
		t.Fatal(err)
	}
	for tenant, want := range map[string]int{"a": 5, "b": 5, "c": 0, "": 10} {
		seen := map[string]bool{}
		last := time.Now().Add(time.Hour)
		var after *messaging.Cursor
		for {
			page, err := messaging.List(t.Context(), pool, messaging.Filter{Tenant: tenant}, 2, after)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page {
				if tenant != "" && p.Tenant != tenant {
					t.Errorf("%s sees a message of %s", tenant, p.Tenant)
				}
				if p.ParkedAt.After(last) {
					t.Errorf("%v comes after %v", p.ParkedAt, last)
				}
				last = p.ParkedAt
				seen[p.MessageID] = true
			}
			if len(page) < 2 {
				break
			}
			after = &messaging.Cursor{ParkedAt: page[1].ParkedAt, ID: page[1].ID}
		}
		if len(seen) != want {
			t.Errorf("tenant %q: %d messages, want %d", tenant, len(seen), want)
		}
	}
}

// What only waits has not failed: a class of failures does not mean it, so that no redrive by class asks for a bug's head
// because of those behind it.
func TestWhatWaitsIsOfNoClass(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, service, nil)
	shared := newTroubles()
	consumer := offlineConsumer(t, pool, shared)
	for i, fail := range []func() error{surprise, nil, refuse} {
		m := said(contracts.StockReleased{}, []string{"order-1", "order-1", "order-2"}[i], i)
		shared.set(m.ID, fail)
		_ = consumer.Settle(t.Context(), recordOf(t, m, 0, int64(i))) // parked: seen below
	}
	for filter, want := range map[string][]string{
		"":          {"order-1 bug", "order-1  waiting", "order-2 permanent"},
		"permanent": {"order-2 permanent"}, "bug": {"order-1 bug"}, "transient": nil,
		"it waits": {"order-1  waiting"},
	} {
		var got []string
		for _, p := range parkedNow(t, pool, messaging.Filter{State: messaging.StateParked, Error: filter}) {
			row := fmt.Sprintf("%s %s", p.Subject, p.Class)
			if p.Waiting {
				row += " waiting"
			}
			got = append(got, row)
		}
		slices.Sort(got)
		slices.Sort(want)
		diff(t, "of "+filter, got, want)
	}
}

// What came by another way is taken without a claim that a discard would see: it is not given up while it may be taken.
func TestWhatMayBeTakenNowIsNotDiscarded(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, service, nil)
	park(t, pool, messaging.Parking{Topic: "webhooks", MessageID: "1"})
	id := open(t, pool)[0].ID
	redrive(t, pool, id)
	if err := messaging.Discard(t.Context(), pool, id, operator); !errors.Is(err, messaging.ErrAsked) {
		t.Errorf("%v, want %v", err, messaging.ErrAsked)
	}
	if err := offlineConsumer(t, pool, newTroubles()).Replay(t.Context()); err != nil { // nothing takes it
		t.Fatal(err)
	}
	if err := messaging.Discard(t.Context(), pool, id, operator); err != nil {
		t.Error(err)
	}
}
