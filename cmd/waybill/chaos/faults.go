package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/platform/postgres"
)

// The kinds of faults that some machines do not allow, as people read them.
const (
	fullDisk     = "full disk"
	clockForward = "clock put forward"
	clockBack    = "clock put back"
)

// kind is one way of breaking something.
type kind struct {
	name string
	// targets are those that it may hit.
	targets []string
	// shortest and longest bound how long it lasts; faults that take no time have none.
	shortest, longest time.Duration
	strike            strike
}

// strike breaks the target, keeps it so for the length, less where the context ends before, and mends it. It says when it
// has struck; where it found nothing to break, its error is errNothing.
type strike = func(ctx context.Context, target string, length time.Duration, struck func()) error

// hold waits as long as something is to be broken.
func hold(ctx context.Context, length time.Duration) {
	select {
	case <-time.After(length):
	case <-ctx.Done():
	}
}

// alone lets one fault at a time strike a thing of a target: a second would be mended with the first, and be less than it
// is counted as.
func (w *world) alone(thing string, s strike) strike {
	return func(ctx context.Context, target string, length time.Duration, struck func()) error {
		key := thing + " of " + target
		if _, taken := w.struck.LoadOrStore(key, true); taken {
			return errNothing
		}
		defer w.struck.Delete(key)
		return s(ctx, target, length, struck)
	}
}

// errNothing says that there was nothing to be broken.
var errNothing = errors.New("there is nothing to break now")

const (
	second = time.Second
	// Longer than any session's time: the group's 6 s and its rebalance's 15 s, a leader's 4 s, an idle transaction's
	// 5 s, a statement's 15 s, and the 15 s after which a job is taken for dead.
	pauseShortest, pauseLongest = 17 * second, 24 * second
)

// kinds are all that can be done here.
func (w *world) kinds() []kind {
	server := func(name string) []string { return []string{name} }
	kinds := []kind{
		{"kill service", allReplicas(), second / 2, 8 * second, w.alone("process", w.killService)},
		{"kill relay's leader", suite.ServiceNames(), second / 2, 8 * second, w.killLeader},
		{"pause service", allReplicas(), pauseShortest, pauseLongest, w.alone("process", w.pauseService)},
		{"kill kafka", server("kafka"), second / 2, 5 * second, w.alone("server", w.killKafka)},
		{"kill postgres", server("postgres"), second / 2, 5 * second, w.alone("server", w.killPostgres)},
		{"cut sessions", suite.ServiceNames(), 0, 0, w.cutSessions},
	}
	for _, to := range []struct {
		name    string
		targets []string
	}{{"postgres", allReplicas()}, {"kafka", server("all")}, {"provider", server("all")}, {"carrier", server("all")}} {
		find := func(target string) *link {
			return map[string]*link{"postgres": w.databases[target], "kafka": w.brokers, "provider": w.provider, "carrier": w.carrier}[to.name]
		}
		kinds = append(kinds,
			kind{"delay " + to.name, to.targets, second, 8 * second, w.alone("delay "+to.name, delay(find))},
			kind{"reset " + to.name, to.targets, second / 2, 8 * second, w.alone("reset "+to.name, snap(find))},
			kind{"half-close " + to.name, to.targets, 0, 0, halve(find)},
		)
	}
	if w.noDisk == nil {
		kinds = append(kinds, kind{fullDisk, server("postgres"), second, 6 * second, w.alone("server", w.fillDisk)})
	}
	if w.noClock == nil {
		kinds = append(kinds,
			// 25 minutes to nearly three hours ahead; and less behind than any deadline, so that none may rightly pass.
			kind{clockForward, allReplicas(), 3 * second, 20 * second, w.alone("clock", w.setClock(500))},
			kind{clockBack, allReplicas(), 3 * second, 20 * second, w.alone("clock", w.setClock(-30))})
	}
	return kinds
}

func (w *world) killService(ctx context.Context, target string, length time.Duration, struck func()) error {
	p := w.suite.Process(target)
	if p.PID() == 0 {
		return errNothing // another fault has just killed it
	}
	if err := p.Kill(); err != nil {
		return err
	}
	struck()
	hold(ctx, length)
	return p.Launch()
}

func (w *world) killLeader(ctx context.Context, service string, length time.Duration, struck func()) error {
	replica, err := w.leader(ctx, service)
	if err != nil {
		return errNothing // PostgreSQL is down, or the leader has just been lost
	}
	return w.alone("process", w.killService)(ctx, replica, length, struck)
}

// leader is the process that leads the service's outbox: the one from whose link the session comes that holds the lock.
func (w *world) leader(ctx context.Context, service string) (replica string, err error) {
	var port int
	err = w.query(ctx, func(conn *pgx.Conn) (err error) {
		port, err = leaderPort(ctx, conn, service)
		return err
	})
	if err != nil {
		return "", err
	}
	for _, replica := range replicas(service) {
		if w.databases[replica].leadsFrom(port) {
			return replica, nil
		}
	}
	return "", fmt.Errorf("no process of %s leads", service)
}

// leaderPort is the port of the session that holds the lock of two numbers of which the second is that of the outbox's
// table: others lead the work on other tables.
func leaderPort(ctx context.Context, conn *pgx.Conn, service string) (port int, err error) {
	err = conn.QueryRow(ctx, `
SELECT a.client_port FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.objid = to_regclass($2) AND a.usename = $1`,
		postgres.ServiceRole(service), service+".watermill_outbox").Scan(&port)
	return port, err
}

func (w *world) pauseService(ctx context.Context, target string, length time.Duration, struck func()) error {
	p := w.suite.Process(target)
	if p.Pause() != nil {
		return errNothing // another fault has just killed it
	}
	struck()
	hold(ctx, length)
	if p.PID() == 0 {
		return nil
	}
	return p.Resume()
}

func (w *world) killKafka(ctx context.Context, _ string, length time.Duration, struck func()) error {
	if err := w.kafka.Kill(); err != nil {
		return err
	}
	struck()
	hold(ctx, length)
	return w.kafka.Restart(context.WithoutCancel(ctx))
}

func (w *world) killPostgres(ctx context.Context, _ string, length time.Duration, struck func()) error {
	if err := syscall.Kill(w.postgres.Pid(), syscall.SIGKILL); err != nil {
		return err
	}
	<-w.postgres.Done()
	struck()
	hold(ctx, length)
	return w.raise(context.WithoutCancel(ctx))
}

func (w *world) cutSessions(ctx context.Context, service string, _ time.Duration, struck func()) error {
	var cut int
	err := w.query(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = $1`,
			postgres.ServiceRole(service)).Scan(&cut)
	})
	if err != nil || cut == 0 {
		return errNothing
	}
	struck()
	return nil
}

func (w *world) fillDisk(ctx context.Context, _ string, length time.Duration, struck func()) error {
	err := w.disk.fill()
	if err == nil {
		struck()
		hold(ctx, length)
	}
	// PostgreSQL gives up where it cannot write its log.
	return errors.Join(err, w.disk.free(), w.raise(context.WithoutCancel(ctx)))
}

// setClock puts a process's clock off, by a multiple of the length, and right again.
func (w *world) setClock(times int64) strike {
	return func(ctx context.Context, target string, length time.Duration, struck func()) error {
		if w.suite.Process(target).PID() == 0 {
			return errNothing // another fault has just killed it
		}
		offset := time.Duration(times * int64(length))
		if err := os.WriteFile(w.clock(target), []byte(offset.String()), 0o600); err != nil {
			return err
		}
		struck()
		hold(ctx, length)
		return os.WriteFile(w.clock(target), nil, 0o600)
	}
}

func delay(find func(string) *link) strike {
	return func(ctx context.Context, target string, length time.Duration, struck func()) error {
		l := find(target)
		if !l.busy() {
			return errNothing
		}
		l.delay.Store(int64(length / 10)) // 100 to 800 ms for each piece
		struck()
		hold(ctx, length)
		l.delay.Store(0)
		return nil
	}
}

func snap(find func(string) *link) strike {
	return func(ctx context.Context, target string, length time.Duration, struck func()) error {
		l := find(target)
		if !l.busy() {
			return errNothing
		}
		l.snap()
		struck()
		hold(ctx, length)
		l.mend()
		return nil
	}
}

func halve(find func(string) *link) strike {
	return func(_ context.Context, target string, _ time.Duration, struck func()) error {
		if !find(target).halve() {
			return errNothing
		}
		struck()
		return nil
	}
}
