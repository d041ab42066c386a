package messaging_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/messaging"
)

// heard is the only fact of a made-up service: it notes each message in the stream of its subject.
type heard struct {
	Message  string
	Sequence int64
}

func (heard) Kind() string { return "subject.heard" }

var subjects = es.Category[int, heard]{
	Name: "subject", Kinds: []es.Kind{es.KindOf[heard]()}, Evolve: func(n int, _ heard) int { return n + 1 },
}

// book is that service, with the real log and inbox under it: what it has handled, and in what order, is what the log
// says.
type book struct {
	log *eventlog.Log
	*troubles
}

// troubles are how the messages fail, by their ids, until somebody mends it. Replicas share them.
type troubles struct {
	mu    sync.Mutex
	fails map[string]func() error
	tries map[string]int
}

func newTroubles() *troubles {
	return &troubles{fails: map[string]func() error{}, tries: map[string]int{}}
}

func (t *troubles) set(id string, fail func() error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fails[id] = fail
}

func (t *troubles) mend() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.fails)
}

func (t *troubles) triesOf(id string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tries[id]
}

func (t *troubles) count(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tries[id]++
}

func (t *troubles) try(id string) error {
	t.mu.Lock()
	fail := t.fails[id]
	t.mu.Unlock()
	if fail != nil {
		return fail()
	}
	return nil
}

func refuse() error   { return es.Refuse(es.Conflict, "never") }
func panicNow() error { panic("ada@example.com") }
func surprise() error { return errors.New("surprise") }

// openBook runs a replica of the service until the test ends.
func openBook(t testing.TB, pool *pgxpool.Pool, shared *troubles) *book {
	t.Helper()
	book, err := newBook(pool, shared)
	if err != nil {
		t.Fatal(err)
	}
	inBackground(t, "log", func(ctx context.Context) error { book.log.Run(ctx); return nil })
	return book
}

func newBook(pool *pgxpool.Pool, shared *troubles) (*book, error) {
	log, err := eventlog.New(eventlog.Config{
		Service: service, Pool: pool, Categories: []es.Erased{subjects},
		Publish: func(es.Recorded) []contracts.Event { return nil },
	})
	return &book{log, shared}, err
}

// handle is what platform/server makes of a message.
func (b *book) handle(ctx context.Context, m contracts.Message) error {
	b.count(m.ID)
	r := eventlog.Request{
		Tenant: m.Tenant, At: time.Now(), Message: m.ID,
		Command: es.On(subjects, subjects.Stream(m.Tenant, m.Subject), func(int) ([]heard, []es.Job, error) {
			if err := b.try(m.ID); err != nil {
				return nil, nil, err
			}
			return []heard{{m.ID, m.Sequence}}, nil, nil
		}),
	}
	if !messaging.IsReplayed(ctx) {
		r.Subject = m.Subject
	}
	result, err := b.log.Handle(ctx, r)
	switch {
	case err != nil:
		return err
	case result.Duplicate:
		return messaging.ErrDuplicate
	case result.Held:
		return messaging.ErrHeld
	}
	return nil
}

// handled are the messages of a subject in the order in which they were handled.
func (b *book) handled(t reporter, subject string) (ids []string, sequences []int64) {
	t.Helper()
	history, err := b.log.History(context.Background(), subjects.Stream("default", subject))
	if err != nil {
		t.Fatal(err)
	}
	for _, fact := range history {
		h := fact.Event.(heard)
		ids, sequences = append(ids, h.Message), append(sequences, h.Sequence)
	}
	return ids, sequences
}

// operator is who looks after the parked messages in the tests.
var operator = messaging.Operator{Name: "ada", Reason: "mended"}

// reporter is a test, or a run of a property.
type reporter interface {
	Helper()
	Fatal(args ...any)
}

func parkedNow(t reporter, pool *pgxpool.Pool, filter messaging.Filter) []messaging.Parked {
	t.Helper()
	list, err := messaging.List(context.Background(), pool, filter, 10_000, nil)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func open(t testing.TB, pool *pgxpool.Pool) []messaging.Parked {
	t.Helper()
	return parkedNow(t, pool, messaging.Filter{State: messaging.StateParked})
}

// failedOnes are the open ones that do not only wait.
func failedOnes(list []messaging.Parked) (ids []uuid.UUID) {
	for _, p := range list {
		if !p.Waiting {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

func redrive(t testing.TB, pool *pgxpool.Pool, ids ...uuid.UUID) []uuid.UUID {
	t.Helper()
	asked, err := messaging.Redrive(context.WithoutCancel(t.Context()), pool, ids, operator)
	if err != nil {
		t.Fatal(err)
	}
	return asked
}

// offlineConsumer is a replica without Kafka: a test hands it what it hears.
func offlineConsumer(t testing.TB, pool *pgxpool.Pool, shared *troubles) *messaging.Consumer {
	t.Helper()
	consumer, err := messaging.NewConsumer(messaging.ConsumerConfig{
		Brokers: []string{deadAddress(t)}, Group: service, Topics: []string{"none"}, Pool: pool, Handle: openBook(t, pool, shared).handle, Retry: quickly,
	})
	if err != nil {
		t.Fatal(err)
	}
	return consumer
}

// recordOf is the message as Kafka hands it out.
func recordOf(t reporter, m contracts.Message, partition int32, offset int64) *kgo.Record {
	t.Helper()
	encoded, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	record := &kgo.Record{Topic: encoded.Topic, Partition: partition, Offset: offset, Key: []byte(uuid.NewString()), Value: encoded.Value}
	for name, value := range encoded.Headers {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	return record
}
