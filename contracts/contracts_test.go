package contracts_test

import (
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/contracts"
)

func message(data contracts.Event) contracts.Message {
	return contracts.Message{
		ID: "0193-1", Source: "/waybill/orders", Subject: "order-1", Time: time.Date(2026, 11, 21, 10, 0, 0, 5e6, time.UTC),
		Tenant: "default", CorrelationID: "correlation", CausationID: "cause", PartitionKey: "order-1", Sequence: 3,
		TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Data: data,
	}
}

func TestEveryEventSurvivesTheWire(t *testing.T) {
	t.Parallel()
	topics := map[string]bool{}
	for _, event := range contracts.Catalogue() {
		want := message(event)
		record, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if record.Key != "order-1" || record.Headers["content-type"] != "application/json" {
			t.Errorf("%s: record %+v", event.Type(), record)
		}
		if record.Topic+".v1" != string(event.Type()) || topics[record.Topic] {
			t.Errorf("%s: topic %q", event.Type(), record.Topic)
		}
		topics[record.Topic] = true
		got, err := contracts.Decode(record.Headers, record.Value)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-sent +got):\n%s", event.Type(), diff)
		}
	}
	if declared := contracts.Topics(); len(declared) != len(topics) {
		t.Errorf("%d topics for %d events", len(declared), len(topics))
	}
}

func TestWhatIsNoMessageIsAnError(t *testing.T) {
	t.Parallel()
	record, err := message(contracts.OrderCompleted{Total: contracts.Money{Amount: 1, Currency: "EUR"}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(h map[string]string){
		"no specversion":     func(h map[string]string) { delete(h, contracts.HeaderSpecVersion) },
		"no id":              func(h map[string]string) { delete(h, contracts.HeaderID) },
		"no source":          func(h map[string]string) { delete(h, contracts.HeaderSource) },
		"unknown type":       func(h map[string]string) { h[contracts.HeaderType] = "commerce.orders.order-lost.v1" },
		"no time":            func(h map[string]string) { h[contracts.HeaderTime] = "yesterday" },
		"no tenant":          func(h map[string]string) { delete(h, contracts.HeaderTenant) },
		"no subject":         func(h map[string]string) { delete(h, contracts.HeaderSubject) },
		"no partitionkey":    func(h map[string]string) { delete(h, contracts.HeaderPartitionKey) },
		"a tenant of two":    func(h map[string]string) { h[contracts.HeaderTenant] = "acme/order" },
		"a shouting tenant":  func(h map[string]string) { h[contracts.HeaderTenant] = "ACME" },
		"a long tenant":      func(h map[string]string) { h[contracts.HeaderTenant] = strings.Repeat("t", 64) },
		"a subject of two":   func(h map[string]string) { h[contracts.HeaderSubject] = "order/1" },
		"a long subject":     func(h map[string]string) { h[contracts.HeaderSubject] = strings.Repeat("s", 201) },
		"a subject of lines": func(h map[string]string) { h[contracts.HeaderSubject] = "order\n1" },
		"a long id":          func(h map[string]string) { h[contracts.HeaderID] = strings.Repeat("i", 201) },
		"an id with a NUL":   func(h map[string]string) { h[contracts.HeaderID] = "0193\x00" },
		"no sequence":        func(h map[string]string) { h[contracts.HeaderSequence] = "first" },
	} {
		headers := maps.Clone(record.Headers)
		damage(headers)
		if _, err := contracts.Decode(headers, record.Value); err == nil {
			t.Errorf("%s: it was read", name)
		}
	}
	if _, err := contracts.Decode(record.Headers, []byte(`{"total":`)); err == nil {
		t.Error("broken JSON was read")
	}
	if m, err := contracts.Decode(record.Headers, []byte(`{"total":{"amount":1,"currency":"EUR"},"later":true}`)); err != nil {
		t.Errorf("a member of a later time: %v, %+v", err, m)
	}
}

// What is generated lies beside its source; CI generates again and compares. Here each schema is held against
// the JSON that its event really has.
func TestSchemasNameTheMembersOfTheJSON(t *testing.T) {
	t.Parallel()
	for _, event := range contracts.Catalogue() {
		raw, err := os.ReadFile("schemas/" + string(event.Type()) + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			Title      string
			Properties map[string]any
		}
		if err := json.Unmarshal(raw, &schema); err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(data, &members); err != nil {
			t.Fatal(err)
		}
		for m := range members {
			if _, ok := schema.Properties[m]; !ok {
				t.Errorf("%s: member %q is not in its schema", event.Type(), m)
			}
		}
		if len(schema.Properties) != len(members) || !strings.HasPrefix(string(event.Type()), "commerce.") {
			t.Errorf("%s: %d properties, %d members", event.Type(), len(schema.Properties), len(members))
		}
	}
}
