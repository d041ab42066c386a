package es

import "time"

// Event is a fact of a stream. Its kind is the name it is stored under: a written constant, because a rename
// of the Go type must not break the log.
type Event interface {
	Kind() string
}

// StreamID names one stream.
type StreamID struct {
	Tenant   string
	Category string
	ID       string
}

// String is the stream's stored name, "tenant/category/id". Tenants and categories have no slash, so that
// two streams never share a name.
func (s StreamID) String() string {
	return s.Tenant + "/" + s.Category + "/" + s.ID
}

// Fact is an event that a command adds to a stream.
type Fact struct {
	Stream StreamID
	Event  Event
}

// Recorded is a fact as the log keeps it.
type Recorded struct {
	// ID is a UUIDv7.
	ID     string
	Stream StreamID
	// Version counts the stream's facts from 1.
	Version int64
	Event   Event
	// At is the time that came in with the command.
	At time.Time
	Meta
}

// Meta is what a fact remembers of how it came about.
type Meta struct {
	CorrelationID string
	// CausationID is the id of the message, job or request that the command was made from.
	CausationID string
	// TraceParent is a W3C trace context.
	TraceParent string
}
