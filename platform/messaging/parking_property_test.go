package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"waybill.dev/contracts"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
)

// world is a service of two replicas whose partitions are delivered as the property test says.
type world struct {
	t        *rapid.T
	pool     *pgxpool.Pool
	replicas [2]*messaging.Consumer
	book     *book
	*troubles

	subjects   []string
	partitions [3][]*kgo.Record
	next       [3]int // the record of each partition that is delivered next
	arrived    map[string]arrival
	duplicates *atomic.Int64
	failed     error // of what an operator asked for
}

// arrival is a message that has been delivered, with those of its subject that were parked before it was: it must be
// handled after these.
type arrival struct {
	subject string
	after   []string
}

const worldReplicas, worldPartitions = 2, 3

// say puts a message onto a partition. It may fail, always or until it is mended.
func (w *world) say() {
	subject := rapid.SampledFrom(w.subjects).Draw(w.t, "subject")
	p := rapid.IntRange(0, worldPartitions-1).Draw(w.t, "partition")
	m := said(contracts.StockReleased{}, subject, len(w.partitions[p]))
	switch rapid.SampledFrom([]string{"", "", "", "refused", "panics", "surprises"}).Draw(w.t, "fails") {
	case "refused":
		w.set(m.ID, refuse)
	case "panics":
		w.set(m.ID, panicNow)
	case "surprises":
		w.set(m.ID, surprise)
	}
	w.partitions[p] = append(w.partitions[p], recordOf(w.t, m, int32(p), int64(len(w.partitions[p]))))
}

func idOf(r *kgo.Record) (id, subject string) {
	for _, h := range r.Headers {
		switch h.Key {
		case contracts.HeaderID:
			id = string(h.Value)
		case contracts.HeaderSubject:
			subject = string(h.Value)
		}
	}
	return id, subject
}

// ahead are the messages of the subject that are parked now.
func (w *world) ahead(subject string) (ids []string) {
	for _, p := range parkedNow(w.t, w.pool, messaging.Filter{State: messaging.StateParked, Subject: subject}) {
		ids = append(ids, p.MessageID)
	}
	return ids
}

// arrive notes what must be handled before a message that is about to be delivered for the first time.
func (w *world) arrive(r *kgo.Record) {
	id, subject := idOf(r)
	if _, again := w.arrived[id]; !again {
		w.arrived[id] = arrival{subject, w.ahead(subject)}
	}
}

// deliver gives the next record of some partitions to replicas, at once; a partition's records come one after the other.
// Some come once more than they should: the replica that had them did not say that it was done.
func (w *world) deliver() func(context.Context) {
	var all []func(context.Context)
	for p := range w.partitions {
		from := w.next[p]
		if from > 0 && rapid.IntRange(0, 4).Draw(w.t, "again") == 0 {
			from--
		}
		until := min(len(w.partitions[p]), w.next[p]+rapid.IntRange(0, 3).Draw(w.t, "records"))
		replica := w.replicas[rapid.IntRange(0, worldReplicas-1).Draw(w.t, "replica")]
		w.next[p] = max(w.next[p], until)
		if from >= until {
			continue
		}
		records := w.partitions[p][from:until]
		for _, r := range records {
			w.arrive(r)
		}
		all = append(all, func(ctx context.Context) {
			for _, r := range records {
				// Parked or handled: what counts is seen in the end.
				if err := replica.Settle(ctx, r); errors.Is(err, messaging.ErrDuplicate) {
					w.duplicates.Add(1)
				}
			}
		})
	}
	return together(all...)
}

// together does things at the same time.
func together(all ...func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		var doing sync.WaitGroup
		for _, do := range all {
			doing.Go(func() { do(ctx) })
		}
		doing.Wait()
	}
}

// operate has an operator redrive, discard or mend.
func (w *world) operate() func(context.Context) {
	failed := failedOnes(parkedNow(w.t, w.pool, messaging.Filter{State: messaging.StateParked}))
	what := rapid.SampledFrom([]string{"redrive", "redrive", "discard", "mend"}).Draw(w.t, "operator")
	if what == "mend" {
		w.mend()
	}
	if len(failed) == 0 || what == "mend" {
		return func(context.Context) {}
	}
	slices.SortFunc(failed, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	id := rapid.SampledFrom(failed).Draw(w.t, "message")
	return func(ctx context.Context) {
		var err error
		if what == "redrive" {
			_, err = messaging.Redrive(ctx, w.pool, []uuid.UUID{id}, operator)
		} else if err = messaging.Discard(ctx, w.pool, id, operator); errors.Is(err, messaging.ErrEnded) || errors.Is(err, messaging.ErrHandled) {
			err = nil // a replica was first
		}
		w.failed = errors.Join(w.failed, err)
	}
}

// replay has replicas handle what is due, both at once at times, and one that ends in the middle.
func (w *world) replay() func(context.Context) {
	var all []func(context.Context)
	for _, replica := range w.replicas {
		if rapid.Bool().Draw(w.t, "replays") {
			endsAfter := time.Duration(rapid.SampledFrom([]int{5, 20, 10_000}).Draw(w.t, "ends after ms")) * time.Millisecond
			all = append(all, func(ctx context.Context) {
				ctx, cancel := context.WithTimeout(ctx, endsAfter)
				defer cancel()
				_ = replica.Replay(ctx)
			})
		}
	}
	return together(all...)
}

// settleAll brings everything to its end: nothing fails any more, all is delivered, and whoever is parked is redriven.
func (w *world) settleAll(ctx context.Context) {
	w.mend()
	for p, records := range w.partitions {
		for _, r := range records[w.next[p]:] {
			w.arrive(r)
			_ = w.replicas[p%worldReplicas].Settle(ctx, r)
		}
	}
	for range 20 {
		parked := parkedNow(w.t, w.pool, messaging.Filter{State: messaging.StateParked})
		if len(parked) == 0 {
			return
		}
		if _, err := messaging.Redrive(ctx, w.pool, failedOnes(parked), operator); err != nil {
			w.t.Fatal(err)
		}
		if err := w.replicas[0].Replay(ctx); err != nil {
			w.t.Fatal(err)
		}
	}
	w.t.Fatal("something stays parked though nothing fails")
}

// check holds the log against what has arrived.
func (w *world) check() {
	discarded := map[string]bool{}
	for _, p := range parkedNow(w.t, w.pool, messaging.Filter{State: messaging.StateDiscarded}) {
		discarded[p.MessageID] = true
	}
	place := map[string]int{}
	for _, subject := range w.subjects {
		ids, _ := w.book.handled(w.t, subject)
		for i, id := range ids {
			if _, twice := place[id]; twice {
				w.t.Errorf("%s was handled twice", id)
			}
			place[id] = i + 1
		}
	}
	for id, a := range w.arrived {
		if (place[id] > 0) == discarded[id] {
			w.t.Errorf("%s of %s: handled %t, discarded %t", id, a.subject, place[id] > 0, discarded[id])
		}
		for _, before := range a.after {
			if place[id] > 0 && place[before] > place[id] {
				w.t.Errorf("%s was handled before %s, which was parked when it came", id, before)
			}
		}
	}
	for p, records := range w.partitions {
		last := map[string]int{}
		for _, r := range records {
			id, subject := idOf(r)
			if place[id] == 0 {
				continue
			}
			if place[id] < last[subject] {
				w.t.Errorf("partition %d: %s of %s was handled before one that came before it", p, id, subject)
			}
			last[subject] = place[id]
		}
	}
}

// Whatever comes, fails, is redriven, discarded and broken off, in whatever order and at the same time: each message is
// handled once at most, none is lost, and those of a subject are handled in their order.
func TestEachMessageIsHandledOnceAndInOrder(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, service, nil)
	shared := newTroubles()
	var replicas [worldReplicas]*messaging.Consumer
	for i := range replicas {
		replicas[i] = offlineConsumer(t, pool, shared)
	}
	book := openBook(t, pool, shared)
	var duplicates atomic.Int64
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{t: rt, pool: pool, replicas: replicas, book: book, troubles: shared, arrived: map[string]arrival{}, duplicates: &duplicates}
		shared.mend()
		for i := range 3 {
			w.subjects = append(w.subjects, fmt.Sprintf("%s-%d", uuid.NewString(), i))
		}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			for range rapid.IntRange(0, 4).Draw(rt, "said") {
				w.say()
			}
			if together(w.deliver(), w.operate(), w.replay())(t.Context()); w.failed != nil {
				rt.Fatal(w.failed)
			}
		}
		w.settleAll(t.Context())
		w.check()
		runs++
	})
	redriven := parkedNow(t, pool, messaging.Filter{State: messaging.StateRedriven})
	discarded := parkedNow(t, pool, messaging.Filter{State: messaging.StateDiscarded})
	failed := len(failedOnes(redriven))
	held := len(redriven) - failed
	t.Logf("%d runs; %d messages were redriven, %d discarded, %d held, %d said again", runs, failed, len(discarded), held, duplicates.Load())
	if failed == 0 || len(discarded) == 0 || held == 0 || duplicates.Load() == 0 {
		t.Error("the runs do not tell anything: something of that never came about")
	}
}
