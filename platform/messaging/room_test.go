package messaging_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"waybill.dev/platform/messaging"
)

// paused compares the metric that says whether a consumer takes nothing.
func paused(metrics *prometheus.Registry, want int) bool {
	return testutil.GatherAndCompare(metrics, strings.NewReader(fmt.Sprintf(`
# HELP consumer_paused 1 while nothing is taken from Kafka because the parking place is full, 0 otherwise.
# TYPE consumer_paused gauge
consumer_paused %d
`, want)), "consumer_paused") == nil
}

// While the parking place is full nothing is taken from Kafka, and nothing is lost; those that wait take places too.
// When there is room all of it is heard.
func TestAFullParkingPlacePausesTheConsumer(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	metrics := prometheus.NewRegistry()
	consumer, _ := s.replica(t, func(c *messaging.ConsumerConfig) { c.ParkingPlaces, c.Metrics = 4, metrics })
	for range 9 { // what did not come from Kafka takes no place
		park(t, s.pool, messaging.Parking{Topic: "elsewhere", MessageID: topicPrefix()})
	}
	s.behind(t, "order-1", 3, refuse)
	s.say(t, s.message("other", 0))
	s.awaitHandled(t, "other", 0)
	if !paused(metrics, 0) {
		t.Error("it pauses though there is room")
	}
	last := s.message("order-1", 3)
	s.say(t, last)
	eventually(t, "it tells that there is no room", func() bool {
		return strings.Contains(strings.Join(consumer.Degraded(), "; "), "parking place: it is full with 4 messages") && paused(metrics, 1)
	})
	past, err := consumer.CaughtUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		s.say(t, s.message(fmt.Sprint("late-", i), 0))
	}
	late, err := consumer.CaughtUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "what was parked is behind the group", func() bool {
		ok, err := past(t.Context())
		return ok && err == nil
	})
	if ok, err := late(t.Context()); ok || err != nil {
		t.Errorf("what came later is behind the group: %t, %v", ok, err)
	}
	if n := queryOne[int](t, s.pool, "SELECT count(*) FROM events WHERE stream LIKE '%late%'"); n != 0 {
		t.Errorf("%d were handled while it paused", n)
	}

	s.mend()
	redrive(t, s.pool, failedOnes(parkedNow(t, s.pool, messaging.Filter{Tenant: "default", State: messaging.StateParked}))...)
	s.awaitHandled(t, "order-1", 0, 1, 2, 3)
	for i := range 30 {
		s.awaitHandled(t, fmt.Sprint("late-", i), 0)
	}
	eventually(t, "it tells that there is room", func() bool {
		amiss := strings.Join(consumer.Degraded(), "; ")
		return amiss == "parking place: 4 or more messages are parked" && paused(metrics, 0)
	})
	eventually(t, "the group is past all", func() bool {
		ok, err := late(t.Context())
		return ok && err == nil
	})
}
