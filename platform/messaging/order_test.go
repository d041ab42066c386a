package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/contracts"
	"waybill.dev/platform/failure"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
)

// quickly tries again without long pauses.
var quickly = failure.Retry{
	Transient: failure.Cooldowns{time.Millisecond, 10 * time.Millisecond},
	Bug:       failure.Cooldowns{time.Millisecond, 2 * time.Millisecond},
}

// scene is a service that hears two topics.
type scene struct {
	pool    *pgxpool.Pool
	brokers []string
	prefix  string
	names   []string
	book    *book // to read; each replica has its own log
	*troubles
}

var sceneEvents = []contracts.Event{contracts.StockReserved{}, contracts.StockReleased{}}

func newScene(t testing.TB) *scene {
	t.Helper()
	s := &scene{pool: pgtest.Pool(t, service, nil), brokers: kafkatest.Brokers(t), prefix: topicPrefix(), troubles: newTroubles()}
	s.names = createTopics(t, s.brokers, s.prefix, sceneEvents...)
	s.book = openBook(t, s.pool, s.troubles)
	return s
}

// hearing is what a replica hears, with its own log.
func (s *scene) hearing(own *book) messaging.ConsumerConfig {
	return messaging.ConsumerConfig{
		Brokers: s.brokers, Group: s.prefix, Topics: s.names, TopicPrefix: s.prefix, Pool: s.pool, Handle: own.handle, Retry: quickly,
	}
}

// replica starts one.
func (s *scene) replica(t testing.TB, change ...func(*messaging.ConsumerConfig)) (consumer *messaging.Consumer, stop func()) {
	t.Helper()
	c := s.hearing(openBook(t, s.pool, s.troubles))
	for _, change := range change {
		change(&c)
	}
	return startConsumer(t, c)
}

// message is one of either topic, whose Kafka key says nothing of its subject.
func (s *scene) message(subject string, sequence int) contracts.Message {
	m := said(sceneEvents[sequence%2], subject, sequence)
	m.PartitionKey = fmt.Sprintf("%s-%d", subject, sequence)
	return m
}

func (s *scene) say(t testing.TB, messages ...contracts.Message) {
	t.Helper()
	say(t, s.brokers, s.prefix, messages...)
}

func (s *scene) awaitOpen(t testing.TB, want int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d are parked", want), func() bool { return len(open(t, s.pool)) == want })
}

func (s *scene) awaitHandled(t testing.TB, subject string, want ...int64) {
	t.Helper()
	var got []int64
	defer func() {
		if t.Failed() {
			t.Logf("%s: %v were handled, want %v", subject, got, want)
		}
	}()
	eventually(t, "all of "+subject+" are handled", func() bool {
		_, got = s.book.handled(t, subject)
		return len(got) >= len(want)
	})
	diff(t, subject, got, want)
}

// behind parks the first message of a subject and then others behind it, in the order of their sequence.
func (s *scene) behind(t testing.TB, subject string, messages int, fail func() error) []contracts.Message {
	t.Helper()
	already := len(open(t, s.pool))
	var all []contracts.Message
	for i := range messages {
		m := s.message(subject, i)
		if i == 0 {
			s.set(m.ID, fail)
		}
		s.say(t, m)
		s.awaitOpen(t, already+i+1)
		all = append(all, m)
	}
	return all
}

// What comes after a parked message waits behind it, whatever topic and partition it comes by and whichever replica
// hears it; others flow. A redrive brings all of it in order, once.
func TestWhatComesAfterAParkedMessageWaitsBehindIt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.replica(t)
	s.replica(t)
	behind := s.behind(t, "order-1", 8, refuse)
	for i := range 20 {
		s.say(t, s.message(fmt.Sprint("other-", i), 0))
	}
	other := s.message("order-1", 0)
	other.Tenant = "acme" // has an order of the same name
	s.say(t, other, behind[3])
	for i := range 20 {
		s.awaitHandled(t, fmt.Sprint("other-", i), 0)
	}
	eventually(t, "another tenant's is handled", func() bool {
		return queryOne[int](t, s.pool, "SELECT count(*) FROM events WHERE stream LIKE 'acme/%'") == 1
	})
	s.awaitHandled(t, "order-1")
	s.awaitOpen(t, 9) // and what was said twice waits twice
	list := open(t, s.pool)
	slices.Reverse(list)
	for i, p := range list {
		want := messaging.Parked{State: messaging.StateParked, Origin: messaging.FromKafka, Error: messaging.ErrHeld.Error(), Waiting: true}
		if i == 0 {
			want.Class, want.Error, want.Waiting, want.Tries = failure.Permanent, "never", false, 1
		}
		got := messaging.Parked{State: p.State, Origin: p.Origin, Class: p.Class, Error: p.Error, Waiting: p.Waiting, Tries: p.Tries}
		diff(t, fmt.Sprint("parked ", i), got, want)
	}

	// It fails again: nothing moves.
	redrive(t, s.pool, list[0].ID)
	eventually(t, "it has failed again", func() bool { p := open(t, s.pool); return p[len(p)-1].Tries == 2 })
	s.awaitOpen(t, 9)

	s.mend()
	asked := redrive(t, s.pool, list[4].ID) // what waits cannot go before what it waits for
	diff(t, "asked for", asked, []uuid.UUID{list[0].ID})
	s.awaitHandled(t, "order-1", 0, 1, 2, 3, 4, 5, 6, 7)
	s.awaitOpen(t, 0)
	s.say(t, s.message("order-1", 8))
	s.awaitHandled(t, "order-1", 0, 1, 2, 3, 4, 5, 6, 7, 8)
	_, history, err := messaging.Show(t.Context(), s.pool, list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	var did []string
	for _, a := range history {
		did = append(did, fmt.Sprintf("%s by %s: %s", a.Action, a.By, a.Reason))
	}
	diff(t, "history", did, []string{
		"redrive by ada: mended", "failed by " + s.prefix + ": never", "redrive by ada: mended", "redriven by " + s.prefix + ": ",
	})
}

// Each sort of failure is parked as often tried as makes sense: what cannot be read and what a rule refuses once, a bug
// a few times, with its stack.
func TestEachClassIsParkedInItsWay(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.replica(t)
	refused, panics, surprises := s.message("refused", 0), s.message("panics", 0), s.message("surprises", 0)
	s.set(refused.ID, refuse)
	s.set(panics.ID, panicNow)
	s.set(surprises.ID, surprise)
	s.say(t, refused, panics, surprises)
	unreadable := s.message("unreadable", 0)
	record, err := unreadable.Encode()
	if err != nil {
		t.Fatal(err)
	}
	broken := &kgo.Record{Topic: s.prefix + record.Topic, Key: []byte("k"), Value: []byte("{")}
	for name, value := range record.Headers {
		broken.Headers = append(broken.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	produce(t, s.brokers, broken)
	s.awaitOpen(t, 4)
	for _, p := range open(t, s.pool) {
		w, _, err := messaging.Show(t.Context(), s.pool, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]struct {
			class failure.Class
			tries int
			error string
			stack bool
		}{
			"refused":    {failure.Permanent, 1, "never", false},
			"unreadable": {failure.Permanent, 1, "", false},
			"panics":     {failure.Bug, 3, "panic: a string", true},
			"surprises":  {failure.Bug, 3, "surprise", false},
		}[p.Subject]
		if w.Class != want.class || w.Tries != want.tries || want.error != "" && w.Error != want.error || w.Waiting {
			t.Errorf("%s is parked as %s after %d tries: %s", p.Subject, w.Class, w.Tries, w.Error)
		}
		if want.stack != strings.Contains(w.Stack, "messaging_test.panicNow") {
			t.Errorf("%s has the stack %q", p.Subject, w.Stack)
		}
	}
	diff(t, "tries of the refused one", s.triesOf(refused.ID), 1)
	diff(t, "tries of the one that panics", s.triesOf(panics.ID), 3)
	// What comes behind one that could not be read waits as well: it tells whose it is.
	s.say(t, s.message("unreadable", 1))
	s.awaitOpen(t, 5)
	s.awaitHandled(t, "unreadable")
}

// What is given up is never handled, also where it is said again, and what waits for it goes on by itself.
func TestADiscardLetsThoseBehindGoOn(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var lines logged
	s.replica(t, func(c *messaging.ConsumerConfig) { c.Logger = slog.New(slog.NewTextHandler(&lines, nil)) })
	messages := s.behind(t, "order-1", 4, refuse)
	list := open(t, s.pool)
	slices.Reverse(list)
	for _, c := range []struct {
		name string
		id   uuid.UUID
		by   messaging.Operator
		want error
	}{
		{"without a reason", list[0].ID, messaging.Operator{Name: "ada"}, messaging.ErrNoReason},
		{"one that waits", list[1].ID, operator, messaging.ErrWaits},
		{"one that is unknown", uuid.New(), operator, messaging.ErrNotParked},
		{"the head", list[0].ID, operator, nil},
		{"one that has ended", list[0].ID, operator, messaging.ErrEnded},
	} {
		if err := messaging.Discard(t.Context(), s.pool, c.id, c.by); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	s.mend()
	s.awaitHandled(t, "order-1", 1, 2, 3)
	s.say(t, messages[0], s.message("order-1", 4))
	s.awaitHandled(t, "order-1", 1, 2, 3, 4)
	s.awaitOpen(t, 0)
	diff(t, "discarded", len(parkedNow(t, s.pool, messaging.Filter{State: messaging.StateDiscarded})), 1)
	eventually(t, "the log tells who has discarded it", func() bool {
		return lines.tell("an operator has dealt with a parked message", "action=discarded by=ada reason=mended", list[0].ID.String())
	})
}

// logged keeps what is logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// tell says whether one line has all the parts.
func (l *logged) tell(parts ...string) bool { return l.count(parts...) > 0 }

// count says how many lines have all the parts.
func (l *logged) count(parts ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
			n++
		}
	}
	return n
}

// The consumer ends in the middle of a redrive, again and again: in the end all has been handled, once and in order.
func TestARedriveThatIsBrokenOffGoesOn(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	_, stop := s.replica(t)
	messages := s.behind(t, "order-1", 6, refuse)
	s.mend()
	stop()
	redrive(t, s.pool, open(t, s.pool)[5].ID)
	for i := range 3 {
		handling := make(chan struct{}, 1)
		_, stop := s.replica(t, func(c *messaging.ConsumerConfig) {
			handle := c.Handle
			c.Handle = func(ctx context.Context, m contracts.Message) error {
				if m.Sequence < int64(2*i) || !messaging.IsReplayed(ctx) {
					return handle(ctx, m)
				}
				// Every other time it ends when it has been handled, and nobody has noted it.
				var err error
				if i%2 == 0 {
					err = handle(ctx, m)
				}
				select {
				case handling <- struct{}{}:
				default:
				}
				<-ctx.Done()
				if err == nil {
					err = ctx.Err()
				}
				return err
			}
		})
		select {
		case <-handling:
		case <-time.After(patience):
			t.Fatal("nothing is redriven")
		}
		stop()
	}
	if _, sequences := s.book.handled(t, "order-1"); len(sequences) == 0 || len(sequences) == len(messages) {
		t.Fatalf("%v are handled: it was not broken off in the middle", sequences)
	}
	s.replica(t)
	s.awaitHandled(t, "order-1", 0, 1, 2, 3, 4, 5)
	s.awaitOpen(t, 0)
}

// Two replicas redrive the same at the same time, neither of them knowing of the other.
func TestTwoReplicasRedriveAtOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	one, stopOne := s.replica(t)
	two, stopTwo := s.replica(t)
	var heads []uuid.UUID
	for i := range 5 {
		s.behind(t, fmt.Sprint("order-", i), 6, refuse)
	}
	heads = failedOnes(open(t, s.pool))
	stopOne()
	stopTwo()
	s.mend()
	diff(t, "asked for", len(redrive(t, s.pool, heads...)), 5)
	var done [2]chan error
	for i, replica := range []*messaging.Consumer{one, two} {
		done[i] = make(chan error, 1)
		go func() { done[i] <- replica.Replay(t.Context()) }()
	}
	for i := range done {
		if err := <-done[i]; err != nil {
			t.Error(err)
		}
	}
	for i := range 5 {
		s.awaitHandled(t, fmt.Sprint("order-", i), 0, 1, 2, 3, 4, 5)
	}
	s.awaitOpen(t, 0)
}

// What the service has handled, and not yet noted, cannot be given up any more.
func TestWhatHasBeenHandledCannotBeDiscarded(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	_, stop := s.replica(t)
	messages := s.behind(t, "order-1", 2, refuse)
	stop()
	s.mend()
	if err := s.book.handle(messaging.Replayed(t.Context()), messages[0]); err != nil {
		t.Fatal(err)
	}
	head := failedOnes(open(t, s.pool))
	if err := messaging.Discard(t.Context(), s.pool, head[0], operator); !errors.Is(err, messaging.ErrHandled) {
		t.Errorf("%v, want %v", err, messaging.ErrHandled)
	}
	redrive(t, s.pool, head...)
	s.replica(t)
	s.awaitHandled(t, "order-1", 0, 1)
	s.awaitOpen(t, 0)
	diff(t, "redriven", len(parkedNow(t, s.pool, messaging.Filter{State: messaging.StateRedriven})), 2)
}

// What came by another way is taken again by it, or stays; what Kafka has refused is sent once more.
func TestEachOriginIsRedrivenInItsWay(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	var mu sync.Mutex
	var took []string
	s.replica(t, func(c *messaging.ConsumerConfig) {
		c.Retake = map[string]func(context.Context, messaging.Whole) error{"webhooks": func(_ context.Context, w messaging.Whole) error {
			mu.Lock()
			defer mu.Unlock()
			if took = append(took, string(w.Value)); w.MessageID == "2" {
				panicNow()
			}
			return nil
		}}
	})
	for _, topic := range []string{"webhooks", "elsewhere"} {
		for _, id := range []string{"1", "2"} {
			park(t, s.pool, messaging.Parking{Topic: topic, MessageID: id, Tenant: "default", Subject: "order-1", Value: []byte(topic + " " + id)})
		}
	}
	s.say(t, s.message("order-1", 0)) // which none of these holds up
	s.awaitHandled(t, "order-1", 0)
	for _, p := range open(t, s.pool) {
		diff(t, "asked for", redrive(t, s.pool, p.ID), []uuid.UUID{p.ID})
	}
	eventually(t, "all have been looked at", func() bool {
		return queryOne[int](t, s.pool, "SELECT count(*) FROM parked_messages WHERE redrive_at IS NOT NULL") == 0
	})
	var left []string
	for _, p := range open(t, s.pool) {
		left = append(left, fmt.Sprintf("%s %s: %s", p.Topic, p.MessageID, p.Error))
	}
	slices.Sort(left)
	diff(t, "left", left, []string{
		"elsewhere 1: nothing takes what is parked of elsewhere", "elsewhere 2: nothing takes what is parked of elsewhere", "webhooks 2: panic: a string",
	})
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(took)
	diff(t, "taken", took, []string{"webhooks 1", "webhooks 2", "webhooks 2", "webhooks 2"})
}

func TestWhatKafkaRefusedIsSentOnceMore(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	write(t, s.pool, said(contracts.OrderCancelled{Reason: strings.Repeat("x", 5<<20)}, "order-1", 1)) // more than Kafka takes
	relay, _ := startRelay(t, messaging.RelayConfig{Pool: s.pool, Service: service, Brokers: s.brokers, TopicPrefix: s.prefix})
	refused := func(tries int) func() bool {
		return func() bool {
			relay.Wake()
			list := open(t, s.pool)
			return len(list) == 1 && list[0].Origin == messaging.FromOutbox && list[0].Tries == tries
		}
	}
	eventually(t, "it is refused", refused(1))
	s.replica(t)
	redrive(t, s.pool, open(t, s.pool)[0].ID)
	eventually(t, "it is sent, and refused again", refused(2))
	_, history, err := messaging.Show(t.Context(), s.pool, open(t, s.pool)[0].ID)
	if err != nil || len(history) != 2 || history[1].Action != messaging.ActionRedriven || history[1].Reason != "sent once more" {
		t.Errorf("%+v, %v", history, err)
	}
	diff(t, "rows that were written", queryOne[int](t, s.pool, "SELECT count(*) FROM watermill_outbox"), 2)
}
