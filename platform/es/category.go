package es

import (
	"encoding/json"
	"fmt"
)

// Category describes one sort of stream: the facts that may stand in it and the state that they fold to.
// E is the sealed union of its facts.
type Category[S any, E Event] struct {
	// Name stands in every stream's name: lower case, and for ever.
	Name string
	// Kinds lists every fact of E.
	Kinds []Kind
	// Evolve folds one fact into the state. States are values: it leaves what the given state points to as it
	// is, and copies a map or slice before changing it.
	Evolve func(S, E) S
	// SnapshotEvery is how many facts lie between two snapshots; 0 takes none.
	SnapshotEvery int64
	// Revision is raised whenever S or Evolve changes, so that older snapshots are no longer read.
	Revision int
}

// Kind is one fact's stored kind and its decoder.
type Kind struct {
	Name   string
	decode func([]byte) (Event, error)
}

// KindOf is the kind of E, decoded as it is. A shape of the past, once there is one, stays a fact of the union under
// its own kind, and Evolve folds it as well.
func KindOf[E Event]() Kind {
	var zero E
	return Kind{Name: zero.Kind(), decode: func(data []byte) (Event, error) {
		var e E
		err := json.Unmarshal(data, &e)
		return e, err
	}}
}

// Stream names one of the category's streams.
func (c Category[S, E]) Stream(tenant, id string) StreamID {
	return StreamID{Tenant: tenant, Category: c.Name, ID: id}
}

// State is a stream's state among those that were loaded, and the zero state of a stream that has no facts.
func (c Category[S, E]) State(states States, id StreamID) S {
	if l, ok := states.loaded[id]; ok && l.state != nil {
		return l.state.(S)
	}
	var zero S
	return zero
}

// Fold evolves the state by the facts in turn.
func (c Category[S, E]) Fold(state S, facts ...E) S {
	for _, f := range facts {
		state = c.Evolve(state, f)
	}
	return state
}

// Erased is a category without its types, for those who run commands. Only Category implements it.
type Erased interface {
	CategoryName() string
	SnapshotPolicy() (every int64, revision int)
	Decode(kind string, data []byte) (Event, error)
	evolve(state any, e Event) (any, error)
	decodeState(data []byte) (any, error)
}

func (c Category[S, E]) CategoryName() string { return c.Name }

func (c Category[S, E]) SnapshotPolicy() (int64, int) { return c.SnapshotEvery, c.Revision }

// Decode makes a fact of its stored kind and JSON.
func (c Category[S, E]) Decode(kind string, data []byte) (Event, error) {
	for _, k := range c.Kinds {
		if k.Name == kind {
			e, err := k.decode(data)
			if err != nil {
				return nil, fmt.Errorf("category %s, kind %s: %w", c.Name, kind, err)
			}
			return e, nil
		}
	}
	return nil, fmt.Errorf("category %s has no kind %q", c.Name, kind)
}

func (c Category[S, E]) evolve(state any, e Event) (any, error) {
	fact, ok := e.(E)
	if !ok {
		return nil, fmt.Errorf("category %s cannot hold %T", c.Name, e)
	}
	s, ok := state.(S)
	if !ok && state != nil {
		return nil, fmt.Errorf("category %s: state is %T", c.Name, state)
	}
	return c.Evolve(s, fact), nil
}

func (c Category[S, E]) decodeState(data []byte) (any, error) {
	var s S
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("category %s, snapshot: %w", c.Name, err)
	}
	return s, nil
}
