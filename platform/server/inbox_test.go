package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kfake"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
	"waybill.dev/platform/server"
)

// forgetful is the counting service, which leaves no fact of orders without lines.
func forgetful() server.Service {
	s := countingService(&errands{})
	react := s.React
	s.React = func(m contracts.Message, at time.Time) es.Command {
		command := react(m, at)
		if order, ok := m.Data.(contracts.OrderPlaced); ok && len(order.Lines) == 0 {
			command.Decide = func(es.States) (es.Decision, error) { return es.Decision{}, nil }
		}
		return command
	}
	return s
}

// A group that has lost its offsets hears everything again. Of what the inbox has forgotten by then nothing has an
// effect twice: what left a fact is known by it, and what left none is parked. What is new is handled.
func TestNothingIsDoneTwiceAfterOffsetsWereLost(t *testing.T) {
	t.Parallel()
	brokers := startBroker(t)
	c := config(t, pgtest.Service(t, counting, nil).ServiceURL)
	c.KafkaBrokers = brokers
	r := run(t, forgetful(), c, server.Options{})
	eventually(t, "readiness", func() bool { return r.call("GET", "/readyz", "").body["status"] == "ready" })
	const orders = 40
	at := func(i int) string { return order[:len(order)-2] + string([]byte{'a' + byte(i/20), 'a' + byte(i%20)}) }
	for i := range orders {
		m := placed(at(i))
		m.Time = time.Now().Add(-20 * 24 * time.Hour)
		if i%4 == 3 {
			m.Data = contracts.OrderPlaced{}
		}
		say(t, brokers, "", m)
	}
	inbox := func(r *running) (n int) {
		if err := r.App().Pool.QueryRow(t.Context(), "SELECT count(*) FROM inbox").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, "all are handled", func() bool { return inbox(r) == orders })
	if n, err := r.App().Log.SweepInbox(t.Context(), 0, []string{contracts.OrderPlaced{}.Type().Topic()}); err != nil || n != orders {
		t.Fatalf("%d messages were swept: %v", n, err)
	}
	r.stop()

	admin, err := sarama.NewClusterAdmin(brokers, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.DeleteConsumerGroup(counting); err != nil {
		t.Fatal(err)
	}

	r = run(t, forgetful(), c, server.Options{})
	fresh := placed(at(orders))
	late := placed(at(orders + 1))
	late.Time = time.Now().Add(-20 * 24 * time.Hour)
	say(t, brokers, "", fresh)
	say(t, brokers, "", late)
	heard := func(status string) string {
		return `events_processed_total{error_type="` + map[string]string{"parked": "undecided"}[status] +
			`",event_type="commerce.orders.order-placed.v1",status="` + status + `"} `
	}
	eventually(t, "all are heard again", func() bool {
		metrics := r.call("GET", "/metrics", "").raw
		return strings.Contains(metrics, heard("duplicate")+"30\n") && strings.Contains(metrics, heard("parked")+"11\n") &&
			strings.Contains(metrics, heard("processed")+"1\n")
	})
	for i := range orders + 1 {
		a := r.call("GET", "/v1/counters/"+at(i), "", "X-Tenant-ID", "acme")
		if i < orders && i%4 == 3 {
			if a.status != http.StatusNotFound {
				t.Errorf("order %d, whose message cannot be decided: %s", i, a.raw)
			}
		} else if a.body["total"] != 2.0 {
			t.Errorf("order %d: %s", i, a.raw)
		}
	}
	parked := r.call("GET", "/v1/parked?limit=100", "", "X-Tenant-ID", "acme")
	if n := strings.Count(parked.raw, "older than the inbox is kept"); n != orders/4+1 {
		t.Errorf("%d messages are parked as too old: %s", n, parked.raw)
	}
	if n := inbox(r); n != 1 {
		t.Errorf("%d messages are in the inbox, want the new one", n)
	}

	// An operator may decide what the service cannot.
	rows, err := r.App().Pool.Query(t.Context(), "SELECT id FROM parked_messages WHERE state = 'parked'")
	if err != nil {
		t.Fatal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := messaging.Redrive(t.Context(), r.App().Pool, ids, messaging.Operator{Name: "night shift", Reason: "never handled"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what was redriven is handled", func() bool { return inbox(r) == 2+orders/4 })

	// Where that could not be noted, and the inbox has been swept since, a redrive finds its fact.
	state := func() (state string) {
		if err := r.App().Pool.QueryRow(t.Context(), "SELECT state FROM parked_messages WHERE message_id = $1", late.ID).Scan(&state); err != nil {
			t.Fatal(err)
		}
		return state
	}
	eventually(t, "it is noted", func() bool { return state() == "redriven" })
	if n, err := r.App().Log.SweepInbox(t.Context(), 0, []string{contracts.OrderPlaced{}.Type().Topic()}); err != nil || n == 0 {
		t.Fatalf("%d messages were swept: %v", n, err)
	}
	if _, err := r.App().Pool.Exec(t.Context(), "UPDATE parked_messages SET state = 'parked', redrive_at = now() WHERE message_id = $1", late.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is noted again", func() bool { return state() == "redriven" })
	if a := r.call("GET", "/v1/counters/"+at(orders+1), "", "X-Tenant-ID", "acme"); a.body["total"] != 2.0 {
		t.Errorf("what was redriven twice: %s", a.raw)
	}
}

// Brokers that forget a group's offsets before the inbox forgets are told of, and change nothing else.
func TestShortOffsetsRetentionIsToldOf(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"offsets.retention.minutes": "10080"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	access := pgtest.Service(t, counting, nil)
	for keep, want := range map[time.Duration]string{
		30 * 24 * time.Hour: "kafka: it forgets what a group has read after 7 days, sooner than the inbox does (30 days): set offsets.retention.minutes to 43200 or more on its brokers",
		7 * 24 * time.Hour:  "",
	} {
		c := config(t, access.ServiceURL)
		c.KafkaBrokers, c.InboxKeep = cluster.ListenAddrs(), keep
		r := run(t, countingService(&errands{}), c, server.Options{})
		if want == "" {
			eventually(t, "readiness", func() bool { return r.call("GET", "/readyz", "").body["status"] == "ready" })
		} else {
			eventually(t, "the degraded state", func() bool {
				a := r.call("GET", "/readyz", "")
				list, _ := a.body["degraded"].([]any)
				return a.status == http.StatusOK && slices.Contains(list, any(want)) && len(list) == 1
			})
			if n := len(r.logs.lines(t, want)); n != 1 {
				t.Errorf("it was logged %d times", n)
			}
		}
		say(t, cluster.ListenAddrs(), "", placed(order))
		eventually(t, "a message", func() bool { return r.noted(order) != "" })
		r.stop()
	}
}

// The inbox is swept only when the group has read what is there; then it is, and remembers until when.
func TestInboxIsSweptWhenTheGroupHasRead(t *testing.T) {
	t.Parallel()
	brokers := startBroker(t)
	access := pgtest.Service(t, counting, nil)
	c := config(t, access.ServiceURL)
	c.KafkaBrokers, c.InboxKeep = brokers, 48*time.Hour
	first := run(t, countingService(&errands{}), c, server.Options{})
	eventually(t, "readiness", func() bool { return first.call("GET", "/readyz", "").body["status"] == "ready" })
	first.stop() // it may have come to its own sweep only now
	pool, err := postgres.Open(t.Context(), access.ServiceURL, postgres.Options{Service: counting})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), `INSERT INTO inbox SELECT i::text, now() - i * interval '1 day' FROM generate_series(1, 5) i`); err != nil {
		t.Fatal(err)
	}
	second := run(t, countingService(&errands{}), c, server.Options{})
	eventually(t, "the sweep", func() bool { return len(second.logs.lines(t, "the inbox has been swept")) == 1 })
	var left int
	var until time.Time
	if err := pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM inbox), (SELECT until FROM inbox_swept)`).Scan(&left, &until); err != nil {
		t.Fatal(err)
	}
	if ago := time.Since(until); left != 1 || ago < 48*time.Hour || ago > 49*time.Hour {
		t.Errorf("%d messages are left, swept until %s", left, until)
	}
}
