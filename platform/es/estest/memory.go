// Package estest runs commands in memory: Given these facts, When this command, Then those facts.
package estest

import (
	"encoding/json"
	"fmt"

	"waybill.dev/platform/es"
)

// Memory is an event log in memory. It stores facts as the real one does, as JSON under their kinds, so that a
// fact which does not survive storage is noticed here.
type Memory struct {
	categories map[string]es.Erased
	streams    map[es.StreamID][]stored
	// Facts are all facts in the order of their commits.
	Facts []es.Fact
}

type stored struct {
	kind string
	data []byte
}

// NewMemory is an empty log of streams of these categories.
func NewMemory(categories ...es.Erased) *Memory {
	m := &Memory{categories: map[string]es.Erased{}, streams: map[es.StreamID][]stored{}}
	for _, c := range categories {
		m.categories[c.CategoryName()] = c
	}
	return m
}

// Append records facts that nobody has to decide.
func (m *Memory) Append(facts ...es.Fact) error {
	for _, f := range facts {
		data, err := json.Marshal(f.Event)
		if err != nil {
			return fmt.Errorf("fact %s: %w", f.Event.Kind(), err)
		}
		m.streams[f.Stream] = append(m.streams[f.Stream], stored{f.Event.Kind(), data})
		m.Facts = append(m.Facts, f)
	}
	return nil
}

// Run runs one command and records its facts, all or none.
func (m *Memory) Run(c es.Command) (es.Decision, error) {
	need := c.Streams
	for range 4 { // the categories of a service are few, and each is asked for once
		states, err := m.Load(need...)
		if err != nil {
			return es.Decision{}, err
		}
		d, err := es.Decide(c, states)
		if err != nil {
			return es.Decision{}, err
		}
		if len(d.Need) == 0 {
			if _, err := es.Apply(d, states); err != nil {
				return es.Decision{}, err
			}
			return d, m.Append(d.Facts...)
		}
		need = append(need, d.Need...)
	}
	return es.Decision{}, fmt.Errorf("the command asks for ever more streams: %v", need)
}

// Load folds the streams from what is stored.
func (m *Memory) Load(ids ...es.StreamID) (es.States, error) {
	states := es.NewStates()
	for _, id := range ids {
		category, ok := m.categories[id.Category]
		if !ok {
			return states, fmt.Errorf("no category %q", id.Category)
		}
		if states.Has(id) {
			continue
		}
		states.Empty(id, category)
		for _, s := range m.streams[id] {
			e, err := category.Decode(s.kind, s.data)
			if err != nil {
				return states, err
			}
			if _, err := states.Apply(id, e); err != nil {
				return states, err
			}
		}
	}
	return states, nil
}
