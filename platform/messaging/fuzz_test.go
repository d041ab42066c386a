package messaging_test

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"waybill.dev/contracts"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
)

// Whatever is in a record: it can be read, or it can be parked, with whatever its headers say of it.
func FuzzParkRecord(f *testing.F) {
	good, err := said(contracts.OrderCancelled{Reason: "x"}, "order", 1).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("commerce.orders.order-cancelled", []byte("order"), contracts.HeaderTenant, []byte("acme"), []byte("order"), good.Value)
	f.Add("", []byte(nil), "", []byte{}, []byte{}, []byte(nil))
	f.Add("\x00", []byte("\x00"), "\xff\x00", []byte("\xff"), []byte("\x00\xff"), []byte("\x00"))
	f.Add(strings.Repeat("t", 249), []byte("k"), contracts.HeaderID, mixed(3000), mixed(3000), mixed(5000))
	f.Add("topic", []byte("k"), "ce_tenantid", []byte(strings.Repeat("é", 600)), []byte(strings.Repeat("\x00a", 600)), []byte("{"))
	pool := pgtest.Pool(f, service, nil)
	offset := int64(rand.Int32())
	f.Fuzz(func(t *testing.T, topic string, key []byte, header string, tenant, subject, value []byte) {
		offset++
		headers := map[string]string{
			contracts.HeaderTenant: string(tenant), contracts.HeaderSubject: string(subject), header: string(tenant),
		}
		_, reason := contracts.Decode(headers, value)
		if reason == nil {
			return
		}
		p := messaging.Parking{
			Topic: topic, Place: &messaging.Place{Partition: 0, Offset: offset}, Key: key, Value: value,
			Headers: map[string][][]byte{contracts.HeaderTenant: {tenant}, contracts.HeaderSubject: {subject, tenant}, header: {tenant}},
			Tenant:  string(tenant), Subject: string(subject), MessageID: header, EventType: string(subject), Reason: reason.Error(),
		}
		before := queryOne[int](t, pool, "SELECT count(*) FROM parked_messages")
		for range 2 { // again, as after a crash
			if err := messaging.Park(t.Context(), pool, p); err != nil {
				t.Fatalf("%+v: %v", p, err)
			}
		}
		if got := queryOne[int](t, pool, "SELECT count(*) FROM parked_messages"); got != before+1 {
			t.Errorf("%d rows of one record", got-before)
		}
		if _, err := pool.Exec(t.Context(), `UPDATE parked_messages SET state = 'discarded', ordered = true`); err != nil {
			t.Fatal(err)
		}
	})
}

// mixed is n bytes that no compression makes less, a quarter of them U+0000.
func mixed(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 0, n+4)
	for len(data) < n {
		data = append(data, byte(random.IntN(0x5f)+0x20), byte(random.IntN(0x5f)+0x20), byte(random.IntN(0x5f)+0x20), 0)
	}
	return data[:n]
}

// A tenant and a subject of any length and bytes fit into the indexes that they are found by.
func TestAnyTenantAndSubjectCanBeParked(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, service, nil)
	for name, text := range map[string][]byte{
		"a quarter of it U+0000": mixed(5000), "random letters": []byte(hex.EncodeToString(mixed(2500))), "wide characters": []byte(strings.Repeat("漢字", 900)),
		"only U+0000": make([]byte, 5000),
	} {
		if err := messaging.Park(t.Context(), pool, messaging.Parking{Topic: name, MessageID: "m", Tenant: string(text), Subject: string(text[1:])}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Such a row may hold up others, which are found by both.
	if _, err := pool.Exec(t.Context(), `UPDATE parked_messages SET ordered = true`); err != nil {
		t.Error(err)
	}
}
