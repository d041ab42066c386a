package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"waybill.dev/local/broker"
	localpostgres "waybill.dev/local/postgres"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/postgres"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/up"
	"waybill.dev/cmd/waybill/ways"
)

// A suite's database is dumped while some messages are not sent and some not heard, and restored into another cluster:
// one whose transactions have not come as far, and one that is ahead. Adopted there, every order comes to its end, and
// the auditor proves that each message is on Kafka, in order.
func TestARestoredDatabaseWorksOn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// burn is how many transactions the cluster spends before the orders come, and before the restore.
		before, after int
		foreign       bool
	}{
		"into a cluster that is behind": {before: 60_000, foreign: true},
		"into a cluster that is ahead":  {after: 60_000},
	} {
		t.Run(name, func(t *testing.T) {
			kafka := startKept(t)
			programs := programs(t)
			first := startCluster(t, programs, test.before)
			administer(t, first.URL("postgres"), "CREATE DATABASE waybill")
			config := up.Config{Data: t.TempDir(), RandomPorts: true, PostgresURL: first.URL("waybill"), KafkaBrokers: kafka.brokers}
			walks := leaveUnderWay(t, config, kafka)
			dump := dump(t, programs, first)
			second := startCluster(t, programs, test.after)
			config.PostgresURL = restore(t, programs, second, dump)
			if test.foreign {
				checkRefused(t, config)
			}
			checkAdopted(t, config.PostgresURL, test.foreign)

			running := startUp(t, config)
			shop := client.New(running.Description())
			defer shop.Close()
			for _, walk := range walks {
				walk.Shop = shop
				if err := await(t, func(ctx context.Context) error {
					got, err := walk.Look(ctx)
					if err == nil && !walk.Way.Right(got) {
						err = fmt.Errorf("order %s, %s: %+v", walk.Order, walk.Way.Name, got)
					}
					return err
				}); err != nil {
					t.Fatal(err)
				}
			}
			verified(t, running)
			if status, out, errs := waybill(t.Context(), "database", "adopt", "--postgres", config.PostgresURL); status != 1 ||
				strings.Count(errs, "stop it first") != len(suite.ServiceNames()) {
				t.Errorf("while the services run: %d, %q, %q", status, out, errs)
			}
		})
	}
}

// leaveUnderWay brings some orders to their ends, and stops the suite while others are under way: of the first half
// order-placed is on Kafka, where nobody has heard it, and of the second half it waits in the outbox.
func leaveUnderWay(t *testing.T, config up.Config, kafka *keptBroker) (walks []*ways.Walk) {
	t.Helper()
	running := startUp(t, config)
	shop := client.New(running.Description())
	defer shop.Close()
	place := func(names ...string) {
		for _, way := range ways.All() {
			if !slices.Contains(names, way.Name) {
				continue
			}
			walk, err := ways.Place(t.Context(), way, shop)
			if err != nil {
				t.Fatal(err)
			}
			walks = append(walks, walk)
		}
	}
	place("completed", "declined", "carrier refuses")
	for _, walk := range walks {
		if err := await(t, func(ctx context.Context) error { _, err := walk.Finish(ctx); return err }); err != nil {
			t.Fatal(err)
		}
	}
	kafka.stop(t)
	place("completed", "completed, several lines", "out of stock")
	// Who has begun to write before them hides those that follow from the relay.
	holding, err := pgx.Connect(t.Context(), config.PostgresURL)
	if err != nil {
		t.Fatal(err)
	}
	defer holding.Close(context.WithoutCancel(t.Context()))
	for _, statement := range []string{"BEGIN", "SELECT pg_current_xact_id()"} {
		if _, err := holding.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	place("completed", "provider fails once", "carrier fails once")
	login := running.Connections().Services[suite.Orders]
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	kafka.start(t)
	sendWhatIsSeen(t, login, kafka.brokers, 3)
	return walks
}

// sendWhatIsSeen runs the relay of orders alone until as many messages are left.
func sendWhatIsSeen(t *testing.T, login string, brokers []string, left int) {
	t.Helper()
	pool, err := postgres.Open(t.Context(), login, postgres.Options{Service: suite.Orders})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	relay, err := messaging.NewRelay(messaging.RelayConfig{Pool: pool, Service: suite.Orders, Brokers: brokers})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- relay.Run(ctx) }()
	var unsent int
	if err := await(t, func(ctx context.Context) error {
		err := pool.QueryRow(ctx, `SELECT count(*) FROM watermill_outbox w, watermill_offsets_outbox o WHERE consumer_group = 'relay'
			AND (w.transaction_id, w."offset") > (o.last_processed_transaction_id, o.offset_acked)`).Scan(&unsent)
		if err == nil && unsent != left {
			err = fmt.Errorf("%d messages of orders are not sent, want %d", unsent, left)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// checkRefused starts the suite as if nothing had to be done before.
func checkRefused(t *testing.T, config up.Config) {
	t.Helper()
	running, err := up.Start(t.Context(), config)
	if err == nil {
		t.Fatal("services work on a database of another cluster", running.Stop())
	}
	if !strings.Contains(err.Error(), "run `waybill database adopt` before the services are started") {
		t.Errorf("it fails by %v", err)
	}
}

func checkAdopted(t *testing.T, url string, foreign bool) {
	t.Helper()
	for run := range 2 {
		var status int
		var out, errs string
		if err := await(t, func(ctx context.Context) error { // sessions that have been closed are there for a moment
			if status, out, errs = waybill(ctx, "database", "adopt", "--postgres", url); status != 0 {
				return fmt.Errorf("adopt = %d, %q", status, errs)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		nothing := strings.Count(out, "nothing has to be done")
		if adopts := foreign && run == 0; adopts && (nothing > 0 || !strings.Contains(out, "of which 3 wait to be sent")) ||
			!adopts && nothing != len(suite.ServiceNames()) {
			t.Errorf("run %d: %s", run, out)
		}
	}
}

func startUp(t *testing.T, config up.Config) *up.Suite {
	t.Helper()
	running, err := up.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	})
	return running
}

// keptBroker is a broker that can be stopped and started again, with its data and at its address.
type keptBroker struct {
	config  broker.Config
	brokers []string
	running *broker.Broker
}

func startKept(t *testing.T) *keptBroker {
	t.Helper()
	k := &keptBroker{config: broker.Config{Data: t.TempDir()}}
	k.start(t)
	t.Cleanup(func() { k.stop(t) })
	return k
}

func (k *keptBroker) start(t *testing.T) {
	t.Helper()
	var err error
	if k.running, err = broker.Start(k.config); err != nil {
		t.Fatal(err)
	}
	k.brokers = k.running.Brokers()
	_, port, _ := net.SplitHostPort(k.brokers[0])
	k.config.Port, _ = strconv.Atoi(port)
}

func (k *keptBroker) stop(t *testing.T) {
	t.Helper()
	if err := k.running.Stop(); err != nil {
		t.Error(err)
	}
}

// programs is the folder of PostgreSQL's programs, those that dump and restore among them.
func programs(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	if err != nil || len(found) == 0 {
		t.Fatalf("pg_dump is needed: install the package postgresql (%v)", err)
	}
	return filepath.Dir(found[len(found)-1])
}

// startCluster starts a server that has spent some transactions.
func startCluster(t *testing.T, programs string, transactions int) *localpostgres.Server {
	t.Helper()
	server, err := localpostgres.Start(t.Context(), localpostgres.Config{Ephemeral: true, Binaries: programs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	// Each block with an exception is a transaction in the transaction, and has an id where it writes.
	administer(t, server.URL("postgres"), "CREATE TABLE spent (n int)", fmt.Sprintf(`DO $$ BEGIN
		FOR i IN 1..%d LOOP
			BEGIN INSERT INTO spent VALUES (i); EXCEPTION WHEN division_by_zero THEN NULL; END;
		END LOOP; END $$`, transactions))
	return server
}

func administer(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// dumped is the roles, as SQL, and the database.
type dumped struct{ roles, archive string }

// dump dumps the cluster as docs/runbooks/restore.md says, and stops it.
func dump(t *testing.T, programs string, server *localpostgres.Server) dumped {
	t.Helper()
	d := dumped{archive: filepath.Join(t.TempDir(), "waybill.dump")}
	d.roles = run(t, nil, filepath.Join(programs, "pg_dumpall"), "--roles-only", "--dbname", server.URL("postgres"))
	run(t, nil, filepath.Join(programs, "pg_dump"), "--format=custom", "--file", d.archive, "--dbname", server.URL("waybill"))
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	return d
}

// restore restores what was dumped, and returns the administrator's login.
func restore(t *testing.T, programs string, server *localpostgres.Server, d dumped) string {
	t.Helper()
	// The administrator of the new cluster is there already: it is not made again.
	roles := slices.DeleteFunc(strings.Split(d.roles, "\n"), func(line string) bool {
		return strings.Contains(line, " ROLE waybill ") || strings.Contains(line, " ROLE waybill;")
	})
	run(t, strings.NewReader(strings.Join(roles, "\n")), filepath.Join(programs, "psql"), "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", server.URL("postgres"))
	administer(t, server.URL("postgres"), "CREATE DATABASE waybill")
	run(t, nil, filepath.Join(programs, "pg_restore"), "--exit-on-error", "--dbname", server.URL("waybill"), d.archive)
	return server.URL("waybill")
}

func run(t *testing.T, stdin io.Reader, program string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, arguments...)
	command.Stdin = stdin
	var errs strings.Builder
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", filepath.Base(program), err, errs.String())
	}
	return string(out)
}
