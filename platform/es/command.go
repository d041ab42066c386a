package es

import "fmt"

// Command is what a handler hands over to be run: data, never a hold on a transaction.
type Command struct {
	// Streams are locked and loaded before Decide is asked.
	Streams []StreamID
	// Decide is pure: it may be asked more than once, and only its last answer counts. An error means a bad
	// request (a Refusal) or a bug; what another service waits for is answered by a fact.
	Decide func(States) (Decision, error)
}

// Nothing is the command that decides nothing: what is asked for does not concern the service.
func Nothing() Command {
	return Command{Decide: func(States) (Decision, error) { return Decision{}, nil }}
}

// Decision is what a command comes to.
type Decision struct {
	// Need names further streams that the first states led to. When one of them was not loaded, nothing else
	// of the decision is looked at, and Decide is asked again with it.
	Need []StreamID
	// Facts are appended all together or not at all. None is a good answer: it had all been said.
	Facts []Fact
	// Jobs are done, durably, after the facts are committed.
	Jobs []Job
}

// Job is durable work outside the log, such as a call to a payment provider. It is stored as JSON under its
// kind.
type Job interface {
	Kind() string
}

// On is a command about one stream: decide turns its state into new facts and the jobs that follow from them.
func On[S any, E Event](c Category[S, E], id StreamID, decide func(S) ([]E, []Job, error)) Command {
	return Command{Streams: []StreamID{id}, Decide: func(states States) (Decision, error) {
		events, jobs, err := decide(c.State(states, id))
		if err != nil {
			return Decision{}, err
		}
		return Decision{Facts: Facts(id, events...), Jobs: jobs}, nil
	}}
}

// Facts are events for one stream.
func Facts[E Event](id StreamID, events ...E) []Fact {
	facts := make([]Fact, 0, len(events))
	for _, e := range events {
		facts = append(facts, Fact{Stream: id, Event: e})
	}
	return facts
}

// RefusalCode says what sort of refusal it is.
type RefusalCode string

const (
	// NotFound: there is no such thing, or not for this tenant.
	NotFound RefusalCode = "not-found"
	// Conflict: not in the state that things are in.
	Conflict RefusalCode = "conflict"
	// Invalid: it makes no sense in any state.
	Invalid RefusalCode = "invalid"
)

// Refusal is the error of a command that asked for what cannot be. It is told to whoever asked.
type Refusal struct {
	Code   RefusalCode
	Detail string
}

func (r *Refusal) Error() string { return r.Detail }

// Refuse makes a Refusal. The detail is shown to the caller: it holds nothing secret.
func Refuse(code RefusalCode, format string, args ...any) error {
	return &Refusal{Code: code, Detail: fmt.Sprintf(format, args...)}
}
