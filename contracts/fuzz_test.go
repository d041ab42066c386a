package contracts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/contracts"
)

// Whatever stands in a record's headers and value: it is an error, or a message that can be sent again as it is.
func FuzzDecode(f *testing.F) {
	for _, event := range contracts.Catalogue() {
		record, err := message(event).Encode()
		if err != nil {
			f.Fatal(err)
		}
		h := record.Headers
		f.Add(h[contracts.HeaderSpecVersion], h[contracts.HeaderID], h[contracts.HeaderSource], h[contracts.HeaderType], h[contracts.HeaderSubject],
			h[contracts.HeaderTime], h[contracts.HeaderTenant], h[contracts.HeaderSequence], h[contracts.HeaderTraceParent], record.Value)
	}
	f.Add("1.0", "a/b", "", "commerce.orders.order-cancelled.v1", "é", "2026-11-21T10:00:00+25:00", "ACME", "-1", "00", []byte(`{"reason":"\u0000","reason":1}`))
	f.Add("1.0", "i", "/s", "commerce.orders.order-completed.v1", "s", "9999-12-31T23:59:59.999999999-23:59", "t", "9223372036854775808", "", []byte(`{"total":{"amount":1e3}}`))
	f.Fuzz(func(t *testing.T, version, id, source, kind, subject, at, tenant, sequence, traceparent string, value []byte) {
		m, err := contracts.Decode(map[string]string{
			contracts.HeaderSpecVersion: version, contracts.HeaderID: id, contracts.HeaderSource: source, contracts.HeaderType: kind,
			contracts.HeaderSubject: subject, contracts.HeaderTime: at, contracts.HeaderTenant: tenant, contracts.HeaderSequence: sequence,
			contracts.HeaderTraceParent: traceparent, contracts.HeaderPartitionKey: subject,
		}, value)
		if err != nil {
			return
		}
		if m.Data == nil || !contracts.IsTenant(m.Tenant) || string(m.Data.Type()) != kind {
			t.Fatalf("%+v", m)
		}
		record, err := m.Encode()
		if err != nil {
			t.Fatalf("%+v can be read and not be written: %v", m, err)
		}
		again, err := contracts.Decode(record.Headers, record.Value)
		if err != nil {
			t.Fatalf("%+v can be written and not be read: %v", record, err)
		}
		m.Time = m.Time.UTC()
		if diff := cmp.Diff(m, again); diff != "" {
			t.Errorf("(-read +read again):\n%s", diff)
		}
	})
}
