package messaging_test

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
)

// A holder of the lead that is killed, and one that is stopped, are replaced; one that goes on after it was
// replaced does no harm.
func TestRelayIsReplaced(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		signal syscall.Signal
	}{{"killed", syscall.SIGKILL}, {"stopped", syscall.SIGSTOP}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			access, brokers, prefix := pgtest.Service(t, service, nil), kafkatest.Brokers(t), topicPrefix()
			pool, err := postgres.Open(t.Context(), access.ServiceURL, postgres.Options{Service: service})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(pool.Close)
			names := createTopics(t, brokers, prefix, contracts.StockReleased{})
			tape := listen(t, brokers, prefix, names...)

			var mu sync.Mutex
			var written []contracts.Message
			say := func() int {
				mu.Lock()
				defer mu.Unlock()
				m := said(contracts.StockReleased{}, keyOf(len(written)%3), len(written))
				write(t, pool, m)
				written = append(written, m)
				return len(written)
			}
			holder := startChild(t, "relay", access.ServiceURL, brokers, prefix)
			n := say()
			eventually(t, "the holder publishes", func() bool { return tape.distinct() == n })
			relay, _ := startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix})
			leaders := func() int {
				return queryOne[int](t, pool, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
					AND objid = 'watermill_outbox'::regclass::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
			}
			if l := leaders(); l != 1 {
				t.Fatalf("%d lead", l)
			}

			// It is hit in the middle of traffic.
			for range 50 {
				n = say()
			}
			if err := holder.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			hit := time.Now()
			for range 50 {
				n = say()
				relay.Wake()
			}
			eventually(t, "the other publishes", func() bool { return tape.distinct() == n })
			t.Logf("replaced after %v", time.Since(hit))

			_ = holder.Signal(syscall.SIGCONT) // fails for one that was killed
			place := func() string {
				return queryOne[string](t, pool, `SELECT lpad(last_processed_transaction_id::text, 20, '0') || lpad(offset_acked::text, 20, '0')
					FROM watermill_offsets_outbox WHERE consumer_group = 'relay'`)
			}
			for last, until := place(), time.Now().Add(3*time.Second); time.Now().Before(until); {
				n = say()
				relay.Wake()
				now := place()
				if now < last {
					t.Fatalf("the offset moved back from %s to %s", last, now)
				}
				last = now
			}
			eventually(t, "all arrive", func() bool { return tape.distinct() == n })
			checkFirstCopies(t, tape.messages(t), written)
			if l := leaders(); l != 1 {
				t.Errorf("%d lead", l)
			}
		})
	}
}
