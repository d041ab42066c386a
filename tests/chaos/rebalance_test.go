//go:build chaos

package chaos

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"waybill.dev/contracts"
)

// Members come and go while messages do: in order, by a crash, and as one that is stopped for longer than its session
// and then goes on as if nothing had happened. None of it is seen in what the group has done.
func TestAGroupThatRebalancesUnderLoad(t *testing.T) {
	t.Parallel()
	s := newOrdersService(t)
	first, second := s.join(t), s.join(t)

	stop := make(chan struct{})
	var orders int
	var saying sync.WaitGroup
	saying.Go(func() {
		const together = 100
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			histories := make([][]contracts.Message, together)
			for i := range histories {
				histories[i] = history(uuid.Must(uuid.NewV7()).String())
			}
			s.sayAll(t, histories)
			orders += together
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	})
	heard := func() (facts int) {
		if err := s.database.QueryRow(t.Context(), "SELECT count(*) FROM events").Scan(&facts); err != nil {
			t.Fatal(err)
		}
		return facts
	}
	// goOn waits until the group, as it is now, has handled more.
	goOn := func(when string) {
		t.Helper()
		before := heard()
		eventually(t, "the group goes on "+when, func() bool { return heard() > before+200 })
	}
	goOn("at first")
	for range 3 {
		third := s.join(t)
		goOn("with a third member")
		first.leave(t, syscall.SIGTERM)
		goOn("after one has left")
		second.signal(t, syscall.SIGSTOP)
		stopped := time.Now()
		first = s.join(t)
		goOn("while one is stopped, with another new")
		third.leave(t, syscall.SIGKILL)
		const session = 6 * time.Second
		eventually(t, "the stopped member's session ends", func() bool { return time.Since(stopped) > 2*session })
		second.signal(t, syscall.SIGCONT)
		goOn("after one was stopped and goes on, and another was killed")
	}
	close(stop)
	saying.Wait()
	eventually(t, "all is heard", func() bool { return s.unheard(t) == 0 })
	s.checkHistories(t, orders)
	t.Logf("%d messages", orders*perOrder)
}
