package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// began starts a fault that lasts until the function that it returns is called.
func began(t *testing.T, s strike, target string) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	struck, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s(ctx, target, time.Hour, func() { close(struck) }) }()
	select {
	case <-struck:
	case err := <-ended:
		t.Fatalf("it has not struck: %v", err)
	}
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestOneFaultAtATimeStrikesAThing(t *testing.T) {
	t.Parallel()
	w := &world{}
	last := w.alone("clock", func(ctx context.Context, _ string, length time.Duration, struck func()) error {
		struck()
		hold(ctx, length)
		return nil
	})
	end := began(t, last, "orders")
	if err := last(t.Context(), "orders", 0, func() { t.Error("it struck") }); !errors.Is(err, errNothing) {
		t.Errorf("beside another: %v", err)
	}
	began(t, last, "payments")()
	end()
	began(t, last, "orders")()
}

// What is mended with one fault is not what another has done.
func TestADelayOutlastsAReset(t *testing.T) {
	t.Parallel()
	l := startLink(t, echo(t))
	find := func(string) *link { return l }
	if err := exchange(dial(t, l)); err != nil {
		t.Fatal(err)
	}
	snapped := began(t, snap(find), "all")
	l.delay.Store(1)
	snapped()
	if l.delay.Load() == 0 {
		t.Error("the delay has ended with the reset")
	}
	if err := exchange(dial(t, l)); err != nil {
		t.Fatal(err)
	}
	delayed := began(t, delay(find), "all")
	l.snap()
	delayed()
	if l.delay.Load() != 0 || !l.broken {
		t.Errorf("after the delay: delayed by %d, broken: %v", l.delay.Load(), l.broken)
	}
}

// A fault that comes late because another was in its way is counted as whole, or not at all.
func TestNoFaultIsCutShort(t *testing.T) {
	t.Parallel()
	s := &storm{world: &world{config: Config{Log: io.Discard}}, struck: map[string]int{}}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tries := 0
	late := fault{length: 9500 * time.Millisecond, kind: kind{name: "late", strike: func(_ context.Context, _ string, _ time.Duration, struck func()) error {
		if tries++; tries == 1 {
			return errNothing
		}
		struck()
		return nil
	}}}
	if err := s.strike(ctx, late); err != nil || s.counts()["late"] != 0 {
		t.Errorf("%v: it is counted %d times", err, s.counts()["late"])
	}
}

// Of a service's leaders only the relay's is the one to kill.
func TestTheLeaderIsTheRelays(t *testing.T) {
	t.Parallel()
	const service = "payments"
	admin := pgtest.Database(t, pgtest.Template{Name: "leader", Migrate: func(ctx context.Context, adminURL string) error {
		access, err := postgres.Provision(ctx, adminURL, service)
		if err != nil {
			return err
		}
		return postgres.Migrate(ctx, access[service].OwnerURL, service, nil)
	}})
	access, err := postgres.Provision(t.Context(), admin, service)
	if err != nil {
		t.Fatal(err)
	}
	ask, relay, replayer := connect(t, admin), connect(t, access[service].ServiceURL), connect(t, access[service].ServiceURL)
	lead := func(conn *pgx.Conn, table string) {
		if _, err := conn.Exec(t.Context(), fmt.Sprintf("SELECT pg_advisory_lock(1, '%s'::regclass::oid::int)", table)); err != nil {
			t.Fatal(err)
		}
	}
	lead(replayer, "parked_messages")
	if port, err := leaderPort(t.Context(), ask, service); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("with a replayer alone the relay leads from %d, %v", port, err)
	}
	lead(relay, "watermill_outbox")
	var own int
	if err := relay.QueryRow(t.Context(), "SELECT inet_client_port()").Scan(&own); err != nil {
		t.Fatal(err)
	}
	if port, err := leaderPort(t.Context(), ask, service); err != nil || port != own {
		t.Errorf("the relay leads from %d, %v; want %d", port, err, own)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}
