package messaging_test

import (
	"sync"
	"testing"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
)

// Relays that sweep at once what they have sent come and go, one of them without Kafka, while writers commit in another
// order than they began in. Each message arrives, in order, and in the end nothing is left.
func TestSweepingDropsNothingUnsent(t *testing.T) {
	t.Parallel()
	pool, brokers, prefix := pgtest.Pool(t, service, nil), kafkatest.Brokers(t), topicPrefix()
	names := createTopics(t, brokers, prefix, contracts.StockReleased{})
	tape := listen(t, brokers, prefix, names...)
	relay := func(brokers []string) (stop func()) {
		_, stop = startRelay(t, messaging.RelayConfig{
			Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix, Keep: 20 * time.Millisecond, BatchRows: 7,
		})
		return stop
	}
	const rounds, each = 5, 60
	var all []contracts.Message
	for round := range rounds {
		stops := []func(){relay(brokers), relay(brokers), relay([]string{deadAddress(t)})}
		held, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		late := said(contracts.StockReleased{}, "held", round)
		if err := writeIn(t.Context(), held, late); err != nil {
			t.Fatal(err)
		}
		var writing sync.WaitGroup
		for i := range each {
			m := said(contracts.StockReleased{}, keyOf(i), round)
			all = append(all, m)
			writing.Go(func() { write(t, pool, m) })
		}
		writing.Wait()
		if err := held.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		all = append(all, late)
		if round == rounds-1 {
			stops[2]() // it may lead for as long as it likes
			eventually(t, "all have arrived", func() bool { return tape.distinct() == len(all) })
		}
		for _, stop := range stops {
			stop() // whether or not anything has been sent, or swept
		}
	}
	if n := checkFirstCopies(t, tape.messages(t), all); n > len(all) {
		t.Errorf("%d repeats of %d messages", n, len(all))
	}
	relay(brokers)
	eventually(t, "nothing is left", func() bool {
		return queryOne[int](t, pool, "SELECT count(*) FROM watermill_outbox") == 0
	})
}
