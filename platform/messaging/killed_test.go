package messaging_test

import (
	"context"
	"os"
	"slices"
	"testing"

	"waybill.dev/platform/messaging"
)

// child starts a replica in a process of its own, and waits until one more session than the others waits for what another
// holds.
func (s *scene) child(t *testing.T, others ...int32) (replica *os.Process, waiting []int32) {
	t.Helper()
	replica = startChild(t, "consumer", s.pool.Config().ConnString(), s.brokers, s.prefix)
	eventually(t, "it waits", func() bool {
		waiting = queryOne[[]int32](t, s.pool, `SELECT array_agg(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`)
		return slices.ContainsFunc(waiting, func(pid int32) bool { return !slices.Contains(others, pid) })
	})
	return replica, waiting
}

// A process is killed in the middle of a redrive, and what it has begun in PostgreSQL goes on there for a while. The next
// one handles what is left, once and in order, and notes each once.
func TestARedriveWhoseProcessIsKilledGoesOn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		// what somebody holds of the second message, so that the process stops there, and what is handled until then.
		name, hold string
		handled    []int64
	}{
		{"while it handles a message", "INSERT INTO inbox (message_id) VALUES ($1)", []int64{0}},
		{"when it has handled one and not noted it", "SELECT FROM parked_messages WHERE message_id = $1 FOR UPDATE", []int64{0, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			_, stop := s.replica(t)
			messages := s.behind(t, "order-1", 4, refuse)
			stop()
			redrive(t, s.pool, failedOnes(open(t, s.pool))...)
			holder, err := s.pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = holder.Rollback(context.WithoutCancel(t.Context())) }() // the pool waits for it
			_, err = holder.Exec(t.Context(), "SET LOCAL idle_in_transaction_session_timeout = 0")
			if err == nil {
				_, err = holder.Exec(t.Context(), test.hold, messages[1].ID)
			}
			if err != nil {
				t.Fatal(err)
			}

			killed, left := s.child(t)
			if err := killed.Kill(); err != nil {
				t.Fatal(err)
			}
			s.awaitHandled(t, "order-1", test.handled...)
			s.child(t, left...)
			if err := holder.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.awaitHandled(t, "order-1", 0, 1, 2, 3)
			s.awaitOpen(t, 0)
			for _, p := range parkedNow(t, s.pool, messaging.Filter{}) {
				noted := queryOne[int](t, s.pool, "SELECT count(*) FROM parked_actions WHERE message = $1 AND action = 'redriven'", p.ID)
				diff(t, "noted as redriven", noted, 1)
			}
		})
	}
}
