package messaging_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"waybill.dev/platform/failure"
)

func away() error { return failure.As(failure.Transient, errors.New("away")) }

// What stays away holds up its own queue, and no other redrive of the service. It stays due until it succeeds.
func TestATransientFailureHoldsUpNoOtherRedrive(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.replica(t)
	stays := s.behind(t, "order-1", 2, refuse)[0]
	other := s.behind(t, "order-2", 2, refuse)[0]
	heads := failedOnes(open(t, s.pool)) // the newest first
	s.set(stays.ID, away)
	redrive(t, s.pool, heads[1])
	eventually(t, "it fails in its redrive", func() bool { return s.triesOf(stays.ID) >= 2 })
	s.set(other.ID, nil)
	redrive(t, s.pool, heads[0])
	s.awaitHandled(t, "order-2", 0, 1)
	s.awaitOpen(t, 2)
	s.awaitHandled(t, "order-1")
	for _, p := range open(t, s.pool) {
		if due := p.RedriveAt != nil; p.Subject != "order-1" || due == p.Waiting || !p.Waiting && p.Tries != 1 {
			t.Errorf("of %s, waiting %t, due %t, after %d tries", p.Subject, p.Waiting, due, p.Tries)
		}
	}
	s.mend()
	s.awaitHandled(t, "order-1", 0, 1)
	s.awaitOpen(t, 0)
}

// Where it cannot be noted what came of a redrive, it is tried now and then, and not without a pause.
func TestARedriveThatCannotBeNotedPauses(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.replica(t)
	m := s.behind(t, "order-1", 1, refuse)[0]
	// One try more has no room in its column.
	if _, err := s.pool.Exec(t.Context(), "UPDATE parked_messages SET tries = $1", math.MaxInt32); err != nil {
		t.Fatal(err)
	}
	redrive(t, s.pool, failedOnes(open(t, s.pool))...)
	before := s.triesOf(m.ID)
	eventually(t, "it is tried", func() bool { return s.triesOf(m.ID) > before })
	began := time.Now()
	eventually(t, "it is tried again, twice", func() bool { return s.triesOf(m.ID) > before+2 })
	if took := time.Since(began); took < time.Second {
		t.Errorf("it was tried again within %v", took)
	}
	s.mend()
	s.awaitHandled(t, "order-1", 0)
	s.awaitOpen(t, 0)
}
