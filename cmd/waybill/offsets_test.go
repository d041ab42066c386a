package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/up"
	"waybill.dev/cmd/waybill/ways"
	"waybill.dev/contracts"
)

// Kafka has lost how far the services had read, and these have forgotten which messages they have handled. They hear
// everything again, and no order is any different for it: not a fact is added.
func TestOrdersOutliveLostOffsets(t *testing.T) {
	t.Parallel()
	kafka := startKept(t)
	cluster := startCluster(t, programs(t), 0)
	administer(t, cluster.URL("postgres"), "CREATE DATABASE waybill")
	config := up.Config{Data: t.TempDir(), RandomPorts: true, PostgresURL: cluster.URL("waybill"), KafkaBrokers: kafka.brokers}
	running := startUp(t, config)
	shop := client.New(running.Description())
	defer shop.Close()
	for _, way := range ways.All() {
		switch way.Name {
		case "completed", "declined", "out of stock", "carrier refuses", "cancelled after booking", "capture refused, retried":
			walk, err := ways.Place(t.Context(), way, shop)
			if err != nil {
				t.Fatal(err)
			}
			if err := await(t, func(ctx context.Context) error { _, err := walk.Finish(ctx); return err }); err != nil {
				t.Fatal(err)
			}
		}
	}
	verified(t, running)
	if err := running.Stop(); err != nil {
		t.Fatal(err)
	}

	admin := administerKafka(t, kafka.brokers)
	facts := map[string]int{}
	for _, service := range suite.ServiceNames() {
		facts[service] = count(t, config.PostgresURL, "SELECT count(*) FROM "+service+".events")
		var topics []string
		for _, topic := range contracts.Topics() {
			topics = append(topics, topic.Name)
		}
		if n := count(t, config.PostgresURL, "SELECT "+service+".sweep_inbox(now(), $1, 100000)", topics); n == 0 {
			t.Errorf("%s has forgotten nothing", service)
		}
	}
	deleted, err := admin.DeleteGroups(t.Context(), suite.ServiceNames()...)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}

	running = startUp(t, config)
	if err := await(t, func(ctx context.Context) error { return heardAll(ctx, admin) }); err != nil {
		t.Fatal(err)
	}
	verified(t, running)
	for service, before := range facts {
		if after := count(t, config.PostgresURL, "SELECT count(*) FROM "+service+".events"); after != before {
			t.Errorf("%s has %d facts, and had %d", service, after, before)
		}
		parked := count(t, config.PostgresURL, "SELECT count(*) FROM "+service+".parked_messages")
		old := count(t, config.PostgresURL, "SELECT count(*) FROM "+service+".parked_messages WHERE error LIKE '%older than the inbox is kept%' OR waiting")
		if parked != old {
			t.Errorf("%s has parked %d messages, %d of them because nothing tells whether it had handled them", service, parked, old)
		}
	}
}

func verified(t *testing.T, running *up.Suite) {
	t.Helper()
	if err := await(t, func(ctx context.Context) error {
		if status, out, errs := waybill(ctx, "verify", "--at-rest", "--suite", running.URL()); status != 0 {
			return fmt.Errorf("verify = %d, %s, %s", status, out, errs)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// heardAll is an error unless every service has heard all that is on Kafka.
func heardAll(ctx context.Context, admin *kadm.Client) error {
	lags, err := admin.Lag(ctx, suite.ServiceNames()...)
	if err != nil {
		return err
	}
	for name, lag := range lags {
		if err := lag.Error(); err != nil {
			return err
		}
		if lag.State != "Stable" || lag.Lag.Total() != 0 {
			return fmt.Errorf("%s, which is %s, has %d messages to hear", name, lag.State, lag.Lag.Total())
		}
	}
	return nil
}

func administerKafka(t *testing.T, brokers []string) *kadm.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return kadm.NewClient(client)
}

func count(t *testing.T, url, sql string, arguments ...any) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if err := conn.QueryRow(t.Context(), sql, arguments...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
