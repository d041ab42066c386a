package eventlog

import (
	"encoding/json"
	"errors"
	"time"

	"waybill.dev/platform/es"
	"waybill.dev/platform/failure"
)

// Request asks the log to run a command.
type Request struct {
	Command es.Command
	Tenant  string
	// At is the time of the facts.
	At   time.Time
	Meta es.Meta
	// Message is claimed in the inbox, so that the command runs once for it; "" where there is no message.
	Message string
	// Subject makes the command wait for what is parked of the same Tenant and subject: where there is any, nothing is
	// decided and the Result is Held. "" waits for nothing.
	Subject string
	// Said is the message's own time, which is the same however often it comes, and by which it is told whether the
	// inbox still knows of the messages of its Topic. Without a topic that is not asked: the inbox alone decides.
	Said  time.Time
	Topic string
	// Replayed says that a message whose age leaves it undecided, which no fact names as its cause, is handled: that it
	// had not been was known when it was parked, or an operator has decided it.
	Replayed bool
	// Idempotency makes the command run once for a caller's key; nil without.
	Idempotency *Idempotency
	// Respond is pure, and says what is answered when the command has decided. The answer is kept under the
	// idempotency key. Nil where nobody waits for one.
	Respond func(es.States) (Response, error)
}

// Idempotency is a caller's key, scoped by the request's tenant, the method and the path.
type Idempotency struct {
	Method     string
	Path       string
	Key        string
	BodySHA256 [32]byte
}

// Response is what is answered to a caller.
type Response struct {
	Status  int
	Headers map[string]string
	Body    json.RawMessage
}

// Result is what a request came to. Everything in it is committed.
type Result struct {
	Facts []es.Recorded
	// Duplicate says that the message had been handled before; nothing was done.
	Duplicate bool
	// Held says that messages of the request's tenant and subject are parked; nothing was done.
	Held bool
	// Replayed says that the response is the one kept under the idempotency key; nothing was done.
	Replayed bool
	Response Response
}

var (
	// ErrUnavailable is the error of whatever may succeed when it is tried again: PostgreSQL is away, a lock
	// or a statement took too long, the log is being stopped. The command may have been committed all the same.
	ErrUnavailable = failure.As(failure.Transient, errors.New("the event log is not available"))
	// ErrUnderWay says that the first request under the idempotency key has not ended yet.
	ErrUnderWay = errors.New("a request with this idempotency key is under way")
	// ErrKeyReused says that the idempotency key came with another body before.
	ErrKeyReused = errors.New("the idempotency key was used with another body")
)

// errLostRace says that somebody else appended first: the whole transaction is to be run again.
var errLostRace = errors.New("lost a race to append")
