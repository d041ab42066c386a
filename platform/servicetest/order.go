package servicetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/contracts"
	"waybill.dev/platform/clock"
)

// Order is one order of a tenant, as the service meets it.
type Order struct {
	*Service
	Tenant string
	ID     string
}

// Order is a new order, of which nobody has heard yet.
func (s *Service) Order(tenant string) Order {
	return Order{s, tenant, uuid.Must(uuid.NewV7()).String()}
}

// Message is an event as another service would say it of the order.
func (o Order) Message(e contracts.Event) contracts.Message {
	return contracts.Message{
		ID: uuid.Must(uuid.NewV7()).String(), Source: "/waybill/test", Subject: o.ID, Time: clock.Now(), Tenant: o.Tenant,
		CorrelationID: "correlation-" + o.ID, CausationID: "cause", PartitionKey: o.ID, Sequence: 1, Data: e,
	}
}

// Hears brings the events to the service, each twice under its id and once more under another.
func (o Order) Hears(t testing.TB, events ...contracts.Event) {
	t.Helper()
	for _, e := range events {
		m := o.Message(e)
		o.Produce(t, m)
		o.Produce(t, m)
		o.Produce(t, o.Message(e))
	}
}

// Produce puts a message on its topic.
func (s *Service) Produce(t testing.TB, m contracts.Message) {
	t.Helper()
	record, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	r := &kgo.Record{Topic: record.Topic, Key: []byte(record.Key), Value: record.Value}
	for k, v := range record.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: k, Value: []byte(v)})
	}
	s.ProduceRecord(t, r)
}

// ProduceRecord puts a record on its topic that need not be a message.
func (s *Service) ProduceRecord(t testing.TB, r *kgo.Record) {
	t.Helper()
	if err := s.kafka.ProduceSync(t.Context(), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// Said are the messages that the service has said of the order so far, each once.
func (o Order) Said() []contracts.Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.said[subject{o.Tenant, o.ID}])
}

// Says waits until the service has said exactly these events of the order, in any order; those of different topics
// have none. Options say what of an event cannot be known before.
func (o Order) Says(t testing.TB, want []contracts.Event, options ...cmp.Option) {
	t.Helper()
	options = append(options, cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b contracts.Event) bool {
		return fmt.Sprintf("%s %+v", a.Type(), a) < fmt.Sprintf("%s %+v", b.Type(), b)
	}))
	var diff string
	Eventually(t, func() bool {
		var got []contracts.Event
		for _, m := range o.Said() {
			got = append(got, m.Data)
		}
		diff = cmp.Diff(want, got, options...)
		return diff == ""
	}, func() string { return "said (-want +got):\n" + diff })
}

// Response is what the service answers over HTTP.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON reads the body.
func (r Response) JSON(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(r.Body, into); err != nil {
		t.Fatalf("%v in %d: %s", err, r.Status, r.Body)
	}
}

// Call makes an HTTP request of a tenant. Body is JSON, or bytes as they are; headers are pairs.
func (s *Service) Call(t testing.TB, tenant, method, path string, body any, headers ...string) Response {
	t.Helper()
	raw, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if raw != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if tenant != "" {
		r.Header.Set("X-Tenant-ID", tenant)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Response{response.StatusCode, response.Header, answer}
}
