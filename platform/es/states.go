package es

import (
	"encoding/json"
	"fmt"
)

// States are streams that were loaded, each folded to its version.
type States struct {
	loaded map[StreamID]*loaded
}

type loaded struct {
	category Erased
	state    any
	version  int64
}

// NewStates holds no stream yet.
func NewStates() States {
	return States{loaded: map[StreamID]*loaded{}}
}

// Has says whether the stream was loaded, with facts or without.
func (s States) Has(id StreamID) bool {
	_, ok := s.loaded[id]
	return ok
}

// HasAll says whether every one of the streams was loaded.
func (s States) HasAll(ids []StreamID) bool {
	for _, id := range ids {
		if !s.Has(id) {
			return false
		}
	}
	return true
}

// Version is how many facts the stream has.
func (s States) Version(id StreamID) int64 {
	if l, ok := s.loaded[id]; ok {
		return l.version
	}
	return 0
}

// Empty adds a stream without facts.
func (s States) Empty(id StreamID, c Erased) {
	s.loaded[id] = &loaded{category: c}
}

// At is a stream's state and version as they are now. Facts that are applied later leave the state as it is.
func (s States) At(id StreamID) (state any, version int64) {
	if l, ok := s.loaded[id]; ok {
		return l.state, l.version
	}
	return nil, 0
}

// Resume sets a stream that was added by Empty to what At gave.
func (s States) Resume(id StreamID, state any, version int64) {
	if l, ok := s.loaded[id]; ok {
		l.state, l.version = state, version
	}
}

// Restore sets a stream that was added by Empty to a snapshot.
func (s States) Restore(id StreamID, version int64, snapshot []byte) error {
	l, ok := s.loaded[id]
	if !ok {
		return fmt.Errorf("stream %s was not loaded", id)
	}
	state, err := l.category.decodeState(snapshot)
	if err != nil {
		return err
	}
	l.state, l.version = state, version
	return nil
}

// Apply folds the stream's next fact into its state and returns the version that it has then.
func (s States) Apply(id StreamID, e Event) (int64, error) {
	l, ok := s.loaded[id]
	if !ok {
		return 0, fmt.Errorf("stream %s was not loaded", id)
	}
	state, err := l.category.evolve(l.state, e)
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", id, err)
	}
	l.state = state
	l.version++
	return l.version, nil
}

// Snapshot is the stream's state as JSON.
func (s States) Snapshot(id StreamID) ([]byte, error) {
	l, ok := s.loaded[id]
	if !ok {
		return nil, fmt.Errorf("stream %s was not loaded", id)
	}
	return json.Marshal(l.state)
}
