package contracts

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
)

// Message is an integration event with its envelope: what CloudEvents 1.0 calls an event.
type Message struct {
	// ID is the id of the domain event that this was made from, and its place where one makes several.
	ID string
	// Source is the service that says it, "/waybill/orders".
	Source string
	// Subject is the order's id.
	Subject string
	Time    time.Time

	Tenant        string
	CorrelationID string
	// CausationID is the id of the message or command that brought this about.
	CausationID string
	// PartitionKey is the Kafka key: the order's id throughout the saga.
	PartitionKey string
	// Sequence is the version that the sender's stream had with this fact.
	Sequence int64
	// TraceParent is the W3C trace context of the sender.
	TraceParent string

	Data Event
}

// Record is a message in the form of the CloudEvents Kafka protocol binding, binary mode.
type Record struct {
	Topic   string
	Key     string
	Headers map[string]string
	Value   []byte
}

// The headers of the Kafka protocol binding (CloudEvents Kafka Protocol Binding 1.0, section 3.2).
const (
	HeaderContentType   = "content-type"
	HeaderSpecVersion   = "ce_specversion"
	HeaderID            = "ce_id"
	HeaderSource        = "ce_source"
	HeaderType          = "ce_type"
	HeaderSubject       = "ce_subject"
	HeaderTime          = "ce_time"
	HeaderTenant        = "ce_tenantid"
	HeaderCorrelationID = "ce_correlationid"
	HeaderCausationID   = "ce_causationid"
	HeaderPartitionKey  = "ce_partitionkey"
	HeaderSequence      = "ce_sequence"
	HeaderTraceParent   = "ce_traceparent"
)

// Encode gives the message its form on Kafka. It fails where the envelope is not a valid CloudEvent.
func (m Message) Encode() (Record, error) {
	if err := m.validate(m.Data.Type()); err != nil {
		return Record{}, err
	}
	value, err := json.Marshal(m.Data)
	if err != nil {
		return Record{}, fmt.Errorf("message %s: %w", m.ID, err)
	}
	headers := map[string]string{
		HeaderContentType:   "application/json",
		HeaderSpecVersion:   cloudevents.CloudEventsVersionV1,
		HeaderID:            m.ID,
		HeaderSource:        m.Source,
		HeaderType:          string(m.Data.Type()),
		HeaderSubject:       m.Subject,
		HeaderTime:          m.Time.UTC().Format(time.RFC3339Nano),
		HeaderTenant:        m.Tenant,
		HeaderCorrelationID: m.CorrelationID,
		HeaderCausationID:   m.CausationID,
		HeaderPartitionKey:  m.PartitionKey,
		HeaderSequence:      strconv.FormatInt(m.Sequence, 10),
	}
	if m.TraceParent != "" {
		headers[HeaderTraceParent] = m.TraceParent
	}
	return Record{Topic: m.Data.Type().Topic(), Key: m.PartitionKey, Headers: headers, Value: value}, nil
}

// Decode reads what Encode wrote, or what anybody else wrote in that form.
func Decode(headers map[string]string, value []byte) (Message, error) {
	if v := headers[HeaderSpecVersion]; v != cloudevents.CloudEventsVersionV1 {
		return Message{}, fmt.Errorf("not a CloudEvent of version 1.0: %s is %q", HeaderSpecVersion, v)
	}
	at, err := time.Parse(time.RFC3339Nano, headers[HeaderTime])
	if err != nil {
		return Message{}, fmt.Errorf("header %s is %.40q, and not a time as RFC 3339 has it", HeaderTime, headers[HeaderTime])
	}
	sequence, err := strconv.ParseInt(headers[HeaderSequence], 10, 64)
	if err != nil {
		return Message{}, fmt.Errorf("header %s is %.40q, and not a whole number", HeaderSequence, headers[HeaderSequence])
	}
	m := Message{
		ID: headers[HeaderID], Source: headers[HeaderSource], Subject: headers[HeaderSubject], Time: at,
		Tenant: headers[HeaderTenant], CorrelationID: headers[HeaderCorrelationID],
		CausationID: headers[HeaderCausationID], PartitionKey: headers[HeaderPartitionKey],
		Sequence: sequence, TraceParent: headers[HeaderTraceParent],
	}
	if err := m.validate(Type(headers[HeaderType])); err != nil {
		return Message{}, err
	}
	if m.Data, err = decodeEvent(Type(headers[HeaderType]), value); err != nil {
		return Message{}, err
	}
	return m, nil
}

// maxName bounds an id and a subject, in bytes.
const maxName = 200

// isName says whether s may stand in the name of a stream or a key, where slashes divide the parts.
func isName(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '/' })
}

// validate holds the envelope against the CloudEvents specification, and against what Waybill adds to it.
func (m Message) validate(t Type) error {
	ce := cloudevents.New(cloudevents.CloudEventsVersionV1)
	ce.SetID(m.ID)
	ce.SetSource(m.Source)
	ce.SetType(string(t))
	ce.SetSubject(m.Subject)
	ce.SetTime(m.Time)
	if err := ce.Validate(); err != nil {
		return fmt.Errorf("message %q: %w", m.ID, err)
	}
	switch {
	case !isName(m.ID):
		return fmt.Errorf("message %.200q: id is not 1 to %d printable ASCII characters without a slash", m.ID, maxName)
	case !IsTenant(m.Tenant):
		return fmt.Errorf("message %q: tenantid is not 1 to 63 of a-z, 0-9 and -", m.ID)
	case !isName(m.Subject):
		return fmt.Errorf("message %q: subject is not 1 to %d printable ASCII characters without a slash", m.ID, maxName)
	case m.PartitionKey == "":
		return fmt.Errorf("message %q: partitionkey is missing", m.ID)
	}
	return nil
}
