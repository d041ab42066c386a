package messaging_test

import (
	"sync"
	"testing"

	"waybill.dev/contracts"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
)

// Kafka is killed in the middle of traffic, three times: nothing is lost on the way to it nor from it, and first
// copies stay in order.
func TestNothingIsLostWhileKafkaIsKilled(t *testing.T) {
	t.Parallel()
	pool, server := pgtest.Pool(t, service, nil), kafkatest.Server(t)
	brokers := server.Brokers()
	events := []contracts.Event{contracts.StockReserved{}, contracts.StockReleased{}}
	names := createTopics(t, brokers, "", events...)
	var heard ears
	relay, _ := startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: brokers})
	consumer, _ := startConsumer(t, messaging.ConsumerConfig{
		Brokers: brokers, Group: service, Topics: names, Pool: pool, Handle: heard.hear,
	})
	tape := listen(t, brokers, "", names...)

	const rows, batch = 30_000, 50
	var mu sync.Mutex
	var written []contracts.Message
	wrote := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(written)
	}
	var writer sync.WaitGroup
	writer.Go(func() {
		for n := 0; n < rows; n += batch {
			var messages []contracts.Message
			for i := n; i < n+batch; i++ {
				// 40 keys a topic, so that a batch of the relay holds many records of each.
				messages = append(messages, said(events[i%2], keyOf(i%80), i))
			}
			write(t, pool, messages...)
			relay.Wake()
			mu.Lock()
			written = append(written, messages...)
			mu.Unlock()
		}
	})
	for _, at := range []int{rows / 5, rows / 2, rows * 4 / 5} {
		eventually(t, "there is traffic", func() bool { return wrote() >= at && tape.distinct() > 0 })
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := tape.distinct()
		eventually(t, "it flows again", func() bool { return tape.distinct() > before || before == rows })
	}
	writer.Wait()
	eventually(t, "all arrive", func() bool { return tape.distinct() == rows })
	repeats := checkFirstCopies(t, tape.messages(t), written)
	t.Logf("%d repeats on Kafka", repeats)
	eventually(t, "all are heard", func() bool { return heard.distinct() == rows })
	t.Logf("%d repeats heard", checkFirstCopies(t, heard.all(), written))
	eventually(t, "all is well", func() bool { return relay.Degraded() == nil && consumer.Degraded() == nil })
	if n := queryOne[int](t, pool, "SELECT count(*) FROM parked_messages"); n != 0 {
		t.Errorf("%d are parked", n)
	}
}

// Kafka is away when everything starts, comes, stops answering, and answers again.
func TestOutagesOfKafkaAreWaitedOut(t *testing.T) {
	t.Parallel()
	pool, server := pgtest.Pool(t, service, nil), kafkatest.Server(t)
	brokers := server.Brokers()
	names := createTopics(t, brokers, "", contracts.StockReleased{})
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	var written []contracts.Message
	say := func() {
		m := said(contracts.StockReleased{}, "order-1", len(written))
		write(t, pool, m)
		written = append(written, m)
	}
	say()
	var heard ears
	relay, _ := startRelay(t, messaging.RelayConfig{Pool: pool, Service: service, Brokers: brokers})
	consumer, _ := startConsumer(t, messaging.ConsumerConfig{
		Brokers: brokers, Group: service, Topics: names, Pool: pool, Handle: heard.hear,
	})
	told := func() bool { return relay.Degraded() != nil && consumer.Degraded() != nil }
	well := func() bool { return relay.Degraded() == nil && consumer.Degraded() == nil }
	eventually(t, "both tell that Kafka is away", told)
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is heard", func() bool { return heard.count() == 1 })
	eventually(t, "all is well", well)

	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	say()
	relay.Wake()
	if _, err := consumer.CaughtUp(t.Context()); err == nil {
		t.Error("caught up with a Kafka that does not answer")
	}
	eventually(t, "both tell that Kafka does not answer", told)
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all are heard", func() bool { return heard.distinct() == len(written) })
	eventually(t, "all is well again", well)
	checkFirstCopies(t, heard.all(), written)
}
