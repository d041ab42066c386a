package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"

	"waybill.dev/contracts"
	"waybill.dev/local/broker"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/postgres"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/up"
	"waybill.dev/cmd/waybill/ways"
)

// A suite's database is dumped while some messages are not sent and some not heard. The services work on and hear them, and
// then the dump is restored into another cluster: one whose transactions have not come as far, and one that is ahead.
// Adopted there, every order comes to its end, and the auditor proves that each message is on Kafka, in order.
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
			hearWhatIsLeft(t, config, len(walks))
			if err := first.Stop(); err != nil {
				t.Fatal(err)
			}
			second := startCluster(t, programs, test.after)
			config.PostgresURL = restore(t, programs, second, dump)
			if test.foreign {
				checkRefused(t, config)
			}
			checkAdopted(t, config, test.foreign)

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
			if status, out, errs := adopt(t.Context(), config); status != 1 ||
				strings.Count(errs, "stop it first") != len(suite.ServiceNames()) {
				t.Errorf("while the services run: %d, %q, %q", status, out, errs)
			}
			if err := running.Stop(); err != nil {
				t.Fatal(err)
			}
			if out := adopted(t, config); strings.Count(out, "nothing has to be done") != len(suite.ServiceNames()) {
				t.Errorf("after the services have worked: %s", out)
			}
		})
	}
}

// A suite that has its broker in its data folder has one only while it runs, and does not run on a database that has to be
// adopted: its broker is started for that.
func TestARestoredDatabaseIsAdoptedForASuiteWithItsOwnBroker(t *testing.T) {
	t.Parallel()
	programs := programs(t)
	first := startCluster(t, programs, 60_000)
	administer(t, first.URL("postgres"), "CREATE DATABASE waybill")
	config := up.Config{Data: t.TempDir(), RandomPorts: true, PostgresURL: first.URL("waybill")}
	complete := func() *up.Suite {
		running := startUp(t, config)
		shop := client.New(running.Description())
		defer shop.Close()
		walk, err := ways.Place(t.Context(), ways.All()[0], shop)
		if err != nil {
			t.Fatal(err)
		}
		if err := await(t, func(ctx context.Context) error { _, err := walk.Finish(ctx); return err }); err != nil {
			t.Fatal(err)
		}
		return running
	}
	if err := complete().Stop(); err != nil {
		t.Fatal(err)
	}
	dump := dump(t, programs, first)
	config.PostgresURL = restore(t, programs, startCluster(t, programs, 0), dump)
	checkRefused(t, config)
	adopt := func() (int, string, string) {
		return waybill(t.Context(), "database", "adopt", "--postgres", config.PostgresURL, "--data", config.Data)
	}
	if status, out, errs := adopt(); status != 0 || strings.Count(out, "adopted") != len(suite.ServiceNames()) {
		t.Fatalf("adopt = %d, %q, %q", status, out, errs)
	}
	verified(t, complete())
	if status, _, errs := adopt(); status != 1 || !strings.Contains(errs, "broker") {
		t.Errorf("while the suite runs: %d, %q", status, errs)
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
	defer hideFromRelays(t, config.PostgresURL)()
	place("completed", "provider fails once", "carrier fails once")
	login := running.Connections().Services[suite.Orders]
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
	kafka.start(t)
	sendWhatIsSeen(t, login, kafka.brokers, 3)
	return walks
}

// hideFromRelays hides what is written from now on: who has begun to write holds up what others commit after it.
func hideFromRelays(t *testing.T, url string) (show func()) {
	t.Helper()
	holding, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"BEGIN", "SELECT pg_current_xact_id()"} {
		if _, err := holding.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return func() { _ = holding.Close(context.WithoutCancel(t.Context())) }
}

// hearWhatIsLeft lets the suite work until all orders have been heard of, and stops it. What it says of them does not come
// to Kafka: it is as if it had never been said.
func hearWhatIsLeft(t *testing.T, config up.Config, orders int) {
	t.Helper()
	defer hideFromRelays(t, config.PostgresURL)()
	running := startUp(t, config)
	admin := administerKafka(t, config.KafkaBrokers)
	placed := contracts.OrderPlaced{}.Type().Topic()
	if err := await(t, func(ctx context.Context) error {
		ends, err := admin.ListEndOffsets(ctx, placed)
		if err != nil {
			return err
		}
		said := 0
		ends.Each(func(o kadm.ListedOffset) { said += int(o.Offset) })
		if said != orders {
			return fmt.Errorf("%d orders are on Kafka, want %d", said, orders)
		}
		return heardAll(ctx, admin)
	}); err != nil {
		t.Fatal(err)
	}
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}
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

func checkAdopted(t *testing.T, config up.Config, foreign bool) {
	t.Helper()
	out := adopted(t, config)
	// Of the six orders that were under way, orders itself hears nothing before payments has.
	if strings.Count(out, "is set back: 6 messages that had been heard are not known") != len(suite.ServiceNames())-1 ||
		foreign != strings.Contains(out, "of which 3 wait to be sent") || foreign == strings.Contains(out, "orders: nothing has to be done") {
		t.Errorf("the first run: %s", out)
	}
	if out := adopted(t, config); strings.Count(out, "nothing has to be done") != len(suite.ServiceNames()) {
		t.Errorf("the second run: %s", out)
	}
}

// adopted adopts the database, once the services' sessions have gone, which are there for a moment after they were closed.
func adopted(t *testing.T, config up.Config) (out string) {
	t.Helper()
	if err := await(t, func(ctx context.Context) error {
		var status int
		var errs string
		if status, out, errs = adopt(ctx, config); status != 0 {
			return fmt.Errorf("adopt = %d, %q", status, errs)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func adopt(ctx context.Context, config up.Config) (status int, out, errs string) {
	return waybill(ctx, "database", "adopt", "--postgres", config.PostgresURL, "--kafka", strings.Join(config.KafkaBrokers, ","))
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
