package eventlog

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// transaction gathers what the commands of one commit read and write.
type transaction struct {
	log    *Log
	tx     pgx.Tx
	states es.States
	// shared says that several commands may be in it.
	shared bool

	elsewhere map[int64]bool            // locks that somebody else holds
	handled   map[string]bool           // message ids: in the inbox, or claimed here
	held      map[subject]bool          // those of which messages are parked
	undecided map[string]bool           // message ids: too old to be in the inbox, and not among the causes
	kept      map[keyScope]keptResponse // answers: kept before, or here

	claims   []claim
	keys     []keyScope
	facts    factRows
	streams  streamRows
	messages messageRows
	jobs     []Job
	changes  []Change
	changed  map[es.StreamID]int // index into changes
}

// claim is a message that is handled, and when it was said.
type claim struct {
	message string
	said    time.Time
}

// The rows of one commit, column by column, as UNNEST takes them.
type (
	factRows struct {
		streams, ids, kinds, data, correlations, causations, traces []string
		versions                                                    []int64
		times                                                       []time.Time
	}
	streamRows struct {
		streams, tenants, categories, ids []string
		times                             []time.Time
	}
	messageRows struct {
		ids, payloads, metadata []string
	}
)

// subject is what messages are about.
type subject struct{ tenant, name string }

// queueInbox finds out which of the messages have been handled, and of which subjects messages are parked. The inbox is
// only read here: a write would take a transaction id before the streams of later categories are locked.
func (t *transaction) queueInbox(b *pgx.Batch, members []*member) {
	var ids, tenants, subjects []string
	for _, m := range members {
		if m.Message != "" {
			ids = append(ids, m.Message)
		}
		if m.Subject != "" {
			tenants, subjects = append(tenants, m.Tenant), append(subjects, m.Subject)
		}
	}
	if len(ids)+len(subjects) == 0 {
		return
	}
	b.Queue(`
SELECT message_id, '', '' FROM inbox WHERE message_id = ANY($1)
UNION ALL
SELECT '', tenant, subject FROM unnest($2::text[], $3::text[]) AS wanted (tenant, subject) WHERE EXISTS (
    SELECT FROM parked_messages p
    WHERE p.tenant = wanted.tenant AND p.subject = wanted.subject AND p.state = 'parked' AND p.ordered
)`, ids, tenants, subjects).Query(func(rows pgx.Rows) error {
		var id string
		var s subject
		_, err := pgx.ForEachRow(rows, []any{&id, &s.tenant, &s.name}, func() error {
			if id != "" {
				t.handled[id] = true
			} else {
				t.held[s] = true
			}
			return nil
		})
		return err
	})
}

// isOver says whether nothing is to be decided: the message had been handled, or that cannot be told, or it must wait.
func (t *transaction) isOver(r Request) bool {
	return r.Message != "" && (t.handled[r.Message] || t.isUndecided(r)) || t.isHeld(r)
}

func (t *transaction) isUndecided(r Request) bool { return t.undecided[r.Message] && !r.Replayed }

func (t *transaction) isHeld(r Request) bool {
	return r.Subject != "" && t.held[subject{r.Tenant, r.Subject}]
}

// record turns what a command decided into rows.
func (t *transaction) record(r Request, d es.Decision, versions []int64) ([]es.Recorded, error) {
	recorded := make([]es.Recorded, 0, len(d.Facts))
	for i, f := range d.Facts {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		at := r.At.UTC().Truncate(time.Microsecond) // as precise as PostgreSQL keeps it
		fact := es.Recorded{ID: id.String(), Stream: f.Stream, Version: versions[i], Event: f.Event, At: at, Meta: r.Meta}
		data, err := json.Marshal(f.Event)
		if err != nil {
			return nil, fmt.Errorf("fact %s: %w", f.Event.Kind(), err)
		}
		t.facts.add(fact, data)
		if fact.Version == 1 {
			t.streams.add(fact)
		}
		if err := t.publish(fact); err != nil {
			return nil, err
		}
		recorded = append(recorded, fact)
		t.change(fact)
	}
	for _, j := range d.Jobs {
		job := Job{Args: j, Tenant: r.Tenant, Meta: r.Meta}
		if len(recorded) > 0 {
			job.Meta.CausationID = recorded[0].ID
		}
		if len(r.Command.Streams) > 0 {
			job.Subject = r.Command.Streams[0].ID
		}
		t.jobs = append(t.jobs, job)
	}
	return recorded, nil
}

func (t *transaction) change(fact es.Recorded) {
	if t.changed == nil {
		t.changed = map[es.StreamID]int{}
	}
	i, ok := t.changed[fact.Stream]
	if !ok {
		i = len(t.changes)
		t.changed[fact.Stream] = i
		t.changes = append(t.changes, Change{Stream: fact.Stream, States: t.states})
	}
	t.changes[i].Facts = append(t.changes[i].Facts, fact)
}

// remember keeps the states that the commit has left.
func (t *transaction) remember() {
	for _, c := range t.changes {
		state, version := t.states.At(c.Stream)
		t.log.cache.remember(c.Stream, state, version, uuid.MustParse(c.Facts[len(c.Facts)-1].ID))
	}
}

// publish adds the integration events that are made from a fact to the outbox.
func (t *transaction) publish(fact es.Recorded) error {
	for _, m := range Messages(t.log.Service, fact, t.log.Publish) {
		record, err := m.Encode()
		if err != nil {
			return err
		}
		headers, err := json.Marshal(record.Headers)
		if err != nil {
			return err
		}
		t.messages.ids = append(t.messages.ids, fact.ID)
		t.messages.payloads = append(t.messages.payloads, string(record.Value))
		t.messages.metadata = append(t.messages.metadata, string(headers))
	}
	return nil
}

// Messages are the integration events that are due for a fact, in their envelopes. The first has the fact's
// own id, a further one its place behind it, so that anybody can work out from the log what was due.
func Messages(service string, fact es.Recorded, publish func(es.Recorded) []contracts.Event) []contracts.Message {
	var messages []contracts.Message
	for place, event := range publish(fact) {
		id := fact.ID
		if place > 0 {
			id = fmt.Sprintf("%s.%d", fact.ID, place)
		}
		messages = append(messages, contracts.Message{
			ID: id, Source: "/waybill/" + service, Subject: fact.Stream.ID, Time: fact.At,
			Tenant: fact.Stream.Tenant, CorrelationID: fact.CorrelationID, CausationID: fact.CausationID,
			PartitionKey: fact.Stream.ID, Sequence: fact.Version, TraceParent: fact.TraceParent, Data: event,
		})
	}
	return messages
}

func (r *factRows) add(f es.Recorded, data []byte) {
	r.streams = append(r.streams, f.Stream.String())
	r.versions = append(r.versions, f.Version)
	r.ids = append(r.ids, f.ID)
	r.kinds = append(r.kinds, f.Event.Kind())
	r.data = append(r.data, string(data))
	r.times = append(r.times, f.At)
	r.correlations = append(r.correlations, f.CorrelationID)
	r.causations = append(r.causations, f.CausationID)
	r.traces = append(r.traces, f.TraceParent)
}

func (r *streamRows) add(f es.Recorded) {
	r.streams = append(r.streams, f.Stream.String())
	r.tenants = append(r.tenants, f.Stream.Tenant)
	r.categories = append(r.categories, f.Stream.Category)
	r.ids = append(r.ids, f.Stream.ID)
	r.times = append(r.times, f.At)
}

// writes says whether anything was decided that has to be kept.
func (t *transaction) writes() bool {
	return len(t.claims)+len(t.keys)+len(t.facts.ids)+len(t.jobs) > 0
}

// write sends everything in one round trip, the jobs apart. The row counts say whether somebody else was first.
func (t *transaction) write(ctx context.Context) error {
	b := &pgx.Batch{}
	t.queueClaims(b)
	t.queueFacts(b)
	if err := t.queueSnapshots(b); err != nil {
		return err
	}
	t.queueMessages(b)
	if err := t.queueKeepResponses(b); err != nil {
		return err
	}
	if t.log.Project != nil && len(t.changes) > 0 {
		t.log.Project(b, t.changes)
	}
	if err := t.tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	if len(t.jobs) == 0 {
		return nil
	}
	if t.log.InsertJobs == nil {
		return fmt.Errorf("service %s has no durable jobs, and a decision asked for %s", t.log.Service, t.jobs[0].Args.Kind())
	}
	return t.log.InsertJobs(ctx, t.tx, t.jobs)
}

// queueClaims claims the messages, sorted, so that two commits with the same messages wait for each other
// and not in a circle.
func (t *transaction) queueClaims(b *pgx.Batch) {
	if len(t.claims) == 0 {
		return
	}
	slices.SortFunc(t.claims, func(a, b claim) int { return cmp.Compare(a.message, b.message) })
	ids, times := make([]string, len(t.claims)), make([]time.Time, len(t.claims))
	for i, c := range t.claims {
		ids[i], times[i] = c.message, c.said
	}
	// A message is kept by the later of the two times, so that one whose own time is after a sweep is there.
	queueExactly(b, len(t.claims), `
INSERT INTO inbox (message_id, handled_at) SELECT id, greatest(now(), said) FROM unnest($1::text[], $2::timestamptz[]) m (id, said)
ON CONFLICT DO NOTHING`, ids, times)
}

func (t *transaction) queueFacts(b *pgx.Batch) {
	if len(t.facts.ids) == 0 {
		return
	}
	if s := t.streams; len(s.streams) > 0 {
		queueExactly(b, len(s.streams), `
INSERT INTO streams (stream, tenant, category, id, created_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
ON CONFLICT DO NOTHING`, s.streams, s.tenants, s.categories, s.ids, s.times)
	}
	f := t.facts
	queueExactly(b, len(f.ids), `
INSERT INTO events (stream, version, id, kind, data, at, correlation_id, causation_id, trace_parent)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[], $5::json[], $6::timestamptz[], $7::text[], $8::text[], $9::text[])
ON CONFLICT (stream, version) DO NOTHING`,
		f.streams, f.versions, f.ids, f.kinds, f.data, f.times, f.correlations, f.causations, f.traces)
}

// queueExactly queues an insert that loses a race where it inserts fewer rows than it was given.
func queueExactly(b *pgx.Batch, rows int, sql string, args ...any) {
	b.Queue(sql, args...).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != int64(rows) {
			return errLostRace
		}
		return nil
	})
}

// queueSnapshots snapshots the streams that have come past a multiple of their category's interval.
func (t *transaction) queueSnapshots(b *pgx.Batch) error {
	var streams, states []string
	var versions []int64
	var revisions []int
	for _, c := range t.changes {
		every, revision := t.log.categories[c.Stream.Category].SnapshotPolicy()
		if every == 0 {
			continue
		}
		before, after := c.Facts[0].Version-1, c.Facts[len(c.Facts)-1].Version
		if before/every == after/every {
			continue
		}
		state, err := t.states.Snapshot(c.Stream)
		if err != nil {
			return err
		}
		streams, states = append(streams, c.Stream.String()), append(states, string(state))
		versions, revisions = append(versions, after), append(revisions, revision)
	}
	if len(streams) == 0 {
		return nil
	}
	b.Queue(`
INSERT INTO snapshots (stream, version, revision, state)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::int[], $4::json[])
ON CONFLICT (stream) DO UPDATE SET version = excluded.version, revision = excluded.revision, state = excluded.state`,
		streams, versions, revisions, states)
	return nil
}

func (t *transaction) queueMessages(b *pgx.Batch) {
	if len(t.messages.ids) == 0 {
		return
	}
	b.Queue(`
INSERT INTO watermill_outbox (uuid, payload, metadata, transaction_id)
SELECT uuid, payload, metadata, pg_current_xact_id()
FROM unnest($1::text[], $2::json[], $3::json[]) w (uuid, payload, metadata)`,
		t.messages.ids, t.messages.payloads, t.messages.metadata)
}
