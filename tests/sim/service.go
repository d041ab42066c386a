package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
)

// service is a running service: its log, and what it remembers of it.
type service struct {
	*part
	index int
	world *world
	// streams are stored facts, as PostgreSQL keeps them.
	streams map[es.StreamID]*stream
	// states are remembered, and forgotten in a crash.
	states es.States
	facts  int
	// life counts crashes: what was begun in an earlier life is not ended in this one.
	life int
	// away is until when the service is down.
	away time.Duration
}

// stream is a stream's facts.
type stream struct {
	facts []es.Recorded
	// cold says that the facts are read from storage, as JSON, when they are next needed.
	cold bool
}

func newService(w *world, index int, p *part) *service {
	return &service{part: p, index: index, world: w, streams: map[es.StreamID]*stream{}, states: es.NewStates()}
}

// run runs one command, as the event log does: load, decide, load what it needs besides, append all or nothing, and
// hand on what follows from the facts.
func (s *service) run(c es.Command, cause string) (es.Decision, error) {
	need := c.Streams
	for range 4 { // the categories of a service are few, and each is asked for once
		if err := s.load(need); err != nil {
			return es.Decision{}, err
		}
		d, err := es.Decide(c, s.states)
		if err != nil {
			return es.Decision{}, err
		}
		if len(d.Need) == 0 {
			return d, s.commit(d, cause)
		}
		need = d.Need
	}
	return es.Decision{}, fmt.Errorf("the command asks for ever more streams: %v", need)
}

func (s *service) commit(d es.Decision, cause string) error {
	versions, err := es.Apply(d, s.states)
	if err != nil {
		return err
	}
	at := s.world.clock()
	for i, f := range d.Facts {
		s.facts++
		r := es.Recorded{
			ID: s.name + "-" + strconv.Itoa(s.facts), Stream: f.Stream, Version: versions[i], Event: f.Event, At: at,
			Meta: es.Meta{CorrelationID: f.Stream.ID, CausationID: cause},
		}
		kept := s.streams[f.Stream]
		kept.facts = append(kept.facts, r)
		for _, m := range eventlog.Messages(s.name, r, s.publish) {
			s.world.say(s, m)
		}
	}
	s.world.committed(s, d)
	return nil
}

// load brings streams to mind. What a crash has made cold is read from what is stored.
func (s *service) load(ids []es.StreamID) error {
	for _, id := range ids {
		if s.states.Has(id) {
			continue
		}
		category, err := s.category(id)
		if err != nil {
			return err
		}
		s.states.Empty(id, category)
		kept := s.streams[id]
		if kept == nil {
			s.streams[id] = &stream{}
			continue
		}
		if err := kept.thaw(category); err != nil {
			return err
		}
		for _, f := range kept.facts {
			if _, err := s.states.Apply(id, f.Event); err != nil {
				return err
			}
		}
		if err := s.snapshot(id, category); err != nil {
			return err
		}
	}
	return nil
}

// snapshot replaces a state that is kept by what is read of it.
func (s *service) snapshot(id es.StreamID, c es.Erased) error {
	if every, _ := c.SnapshotPolicy(); every == 0 {
		return nil
	}
	kept, err := s.states.Snapshot(id)
	if err != nil {
		return err
	}
	return s.states.Restore(id, s.states.Version(id), kept)
}

func (s *service) category(id es.StreamID) (es.Erased, error) {
	for _, c := range s.categories {
		if c.CategoryName() == id.Category {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%s has no category %q", s.name, id.Category)
}

// thaw replaces the facts by what they are after a way through storage.
func (k *stream) thaw(c es.Erased) error {
	if !k.cold {
		return nil
	}
	k.cold = false
	for i, f := range k.facts {
		data, err := json.Marshal(f.Event)
		if err != nil {
			return err
		}
		if k.facts[i].Event, err = c.Decode(f.Event.Kind(), data); err != nil {
			return err
		}
	}
	return nil
}

// crash ends the service's life: what is not stored is gone, and it is back after a while.
func (s *service) crash() {
	w := s.world
	s.life++
	s.states = es.NewStates()
	for _, k := range s.streams {
		k.cold = true
	}
	s.away = w.now + w.delay(w.climate.work)
	w.note("%s crashes", s.name)
}

// recorded are the facts of an order's stream.
func (s *service) recorded(o *purchase) []es.Recorded {
	if k := s.streams[s.stream(o.tenant.name, o.id)]; k != nil {
		return k.facts
	}
	return nil
}

// classOf is the class of the order's state.
func (s *service) classOf(o *purchase) string {
	id := s.stream(o.tenant.name, o.id)
	if err := s.load([]es.StreamID{id}); err != nil {
		return "unreadable"
	}
	return s.class(s.states, id)
}

// refused says that an error is an answer to whoever asked, and no bug.
func refused(err error) bool {
	var refusal *es.Refusal
	return errors.As(err, &refusal)
}
