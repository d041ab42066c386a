package world

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/server"
)

// engine runs the five services in memory: their policies, their jobs against the simulators, and what they say to each
// other.
type engine struct {
	services map[string]server.Service
	outside  *outside
	states   map[string]es.States
	// random chooses what happens next; nil keeps the order of the commits.
	random *rand.Rand

	facts      []fact
	said       []said
	heard      []heard
	projected  []projection
	deliveries []delivery
	jobs       []job
}

// fact is a fact of a service.
type fact struct {
	service string
	es.Recorded
}

// said is a message that a service has published, heard one that it has handled.
type (
	said  struct{ contracts.Message }
	heard struct{ service, message string }
)

// projection is a statement that a service's read model was written by.
type projection struct {
	service   string
	sql       string
	arguments []any
}

// delivery is a message on its way to a service.
type delivery struct {
	service string
	message contracts.Message
}

// job is something that a decision asked for.
type job struct {
	service, tenant string
	args            es.Job
	meta            es.Meta
}

// newEngine starts with empty shelves and no order.
func newEngine(services map[string]server.Service, o *outside, random *rand.Rand) *engine {
	e := &engine{services: services, outside: o, random: random, states: map[string]es.States{}}
	for name := range services {
		e.states[name] = es.NewStates()
	}
	return e
}

// now is the time as PostgreSQL keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// newMeta is that of a request from outside.
func newMeta() es.Meta {
	return es.Meta{
		CorrelationID: uuid.NewString(), CausationID: uuid.NewString(),
		TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
}

// run is a command's commit.
func (e *engine) run(service string, c es.Command, meta es.Meta, at time.Time) error {
	states := e.states[service]
	need := c.Streams
	for {
		if err := e.load(service, need); err != nil {
			return err
		}
		d, err := es.Decide(c, states)
		if err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
		if need = d.Need; len(need) == 0 {
			return e.commit(service, d, meta, at)
		}
	}
}

func (e *engine) load(service string, ids []es.StreamID) error {
	for _, id := range ids {
		if e.states[service].Has(id) {
			continue
		}
		i := slices.IndexFunc(e.services[service].Categories, func(c es.Erased) bool { return c.CategoryName() == id.Category })
		if i < 0 {
			return fmt.Errorf("%s has no category %q", service, id.Category)
		}
		e.states[service].Empty(id, e.services[service].Categories[i])
	}
	return nil
}

func (e *engine) commit(service string, d es.Decision, meta es.Meta, at time.Time) error {
	versions, err := es.Apply(d, e.states[service])
	if err != nil {
		return err
	}
	var recorded []es.Recorded
	for i, f := range d.Facts {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		r := es.Recorded{ID: id.String(), Stream: f.Stream, Version: versions[i], Event: f.Event, At: at, Meta: meta}
		recorded = append(recorded, r)
		e.facts = append(e.facts, fact{service, r})
		for _, m := range eventlog.Messages(service, r, e.services[service].Publish) {
			e.said = append(e.said, said{m})
			e.send(m)
		}
	}
	e.project(service, recorded)
	for _, args := range d.Jobs {
		j := job{service: service, tenant: d.Facts[0].Stream.Tenant, args: args, meta: meta}
		j.meta.CausationID = recorded[0].ID
		e.jobs = append(e.jobs, j)
	}
	return nil
}

func (e *engine) send(m contracts.Message) {
	for _, name := range suite.ServiceNames() {
		if slices.ContainsFunc(e.services[name].Hears, func(h contracts.Event) bool { return h.Type() == m.Data.Type() }) {
			e.deliveries = append(e.deliveries, delivery{name, m})
		}
	}
}

// project notes what the service's read models are written by.
func (e *engine) project(service string, facts []es.Recorded) {
	if e.services[service].Project == nil || len(facts) == 0 {
		return
	}
	var changes []eventlog.Change
	for _, f := range facts {
		i := slices.IndexFunc(changes, func(c eventlog.Change) bool { return c.Stream == f.Stream })
		if i < 0 {
			i = len(changes)
			changes = append(changes, eventlog.Change{Stream: f.Stream, States: e.states[service]})
		}
		changes[i].Facts = append(changes[i].Facts, f)
	}
	var b pgx.Batch
	e.services[service].Project(&b, changes)
	for _, q := range b.QueuedQueries {
		e.projected = append(e.projected, projection{service, strings.TrimSpace(q.SQL), q.Arguments})
	}
}

// step lets one thing happen that is due, and says whether there was one.
func (e *engine) step(ctx context.Context) (bool, error) {
	n := len(e.deliveries) + len(e.jobs)
	if n == 0 {
		return false, nil
	}
	i := 0
	if e.random != nil {
		i = e.random.IntN(n)
	}
	if i >= len(e.deliveries) {
		i -= len(e.deliveries)
		j := e.jobs[i]
		e.jobs = slices.Delete(e.jobs, i, i+1)
		return true, e.work(ctx, j)
	}
	// A service hears a topic in order.
	chosen := e.deliveries[i]
	i = slices.IndexFunc(e.deliveries, func(d delivery) bool {
		return d.service == chosen.service && d.message.Data.Type() == chosen.message.Data.Type()
	})
	chosen = e.deliveries[i]
	e.deliveries = slices.Delete(e.deliveries, i, i+1)
	return true, e.deliver(chosen)
}

func (e *engine) deliver(d delivery) error {
	m, at := d.message, now()
	e.heard = append(e.heard, heard{d.service, m.ID})
	meta := es.Meta{CorrelationID: m.CorrelationID, CausationID: m.ID, TraceParent: m.TraceParent}
	return e.run(d.service, e.services[d.service].React(m, at), meta, at)
}

// settle lets happen whatever is due, until nothing is.
func (e *engine) settle(ctx context.Context) error {
	for {
		if more, err := e.step(ctx); err != nil || !more {
			return err
		}
	}
}
