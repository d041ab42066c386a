package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"waybill.dev/contracts"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
)

// A message whose failure should pass is tried for as long as it takes. When that is long, people are told, once, until
// it is handled or belongs to another replica.
func TestAMessageThatDoesNotGetThroughIsTold(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, service, nil)
	synctest.Test(t, func(t *testing.T) {
		metrics := prometheus.NewRegistry()
		var lines logged
		var away atomic.Bool
		away.Store(true)
		handled := 0
		consumer, err := messaging.NewConsumer(messaging.ConsumerConfig{
			Brokers: []string{"nowhere"}, Group: "inventory", Topics: []string{"topic"}, Pool: pool, Metrics: metrics,
			Logger: slog.New(slog.NewTextHandler(&lines, nil)),
			Handle: func(context.Context, contracts.Message) error {
				if away.Load() {
					return fmt.Errorf("append: %w", eventlog.ErrUnavailable)
				}
				handled++
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, takeAway := context.WithCancel(t.Context())
		outcomes := make(chan error, 5)
		var ids []string
		settle := func(ctx context.Context, order string) {
			m := said(contracts.StockReleased{}, order, 1)
			ids = append(ids, m.ID)
			record := recordOf(t, m, 0, 1)
			go func() { outcomes <- consumer.Settle(ctx, record) }()
		}
		at := func(after time.Duration, stuck, logged int, want ...string) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			diff(t, "what is amiss", consumer.Degraded(), append([]string{"kafka: events cannot be heard"}, want...))
			if err := testutil.GatherAndCompare(metrics, strings.NewReader(fmt.Sprintf(`
# HELP consumer_stuck_messages Messages that have been tried for a minute and longer, and hold up their partitions.
# TYPE consumer_stuck_messages gauge
consumer_stuck_messages %d
`, stuck)), "consumer_stuck_messages"); err != nil {
				t.Error(err)
			}
			diff(t, "lines", lines.count("level=ERROR"), logged)
		}
		told := func(i int, order, tried string) string {
			return fmt.Sprintf("consumer: inventory has tried message %s of order %s for %s, and tries it again", ids[i], order, tried)
		}
		settle(t.Context(), "order-0")
		at(59*time.Second, 0, 0)
		at(11*time.Second, 1, 1, told(0, "order-0", "1m10s"))
		if !lines.tell("level=ERROR", "message_id="+ids[0], "order=order-0", "service=inventory", "tenant=default", "the event log is not available") {
			t.Errorf("the log does not tell: %s", &lines.text)
		}
		at(10*time.Minute, 1, 1, told(0, "order-0", "11m10s"))

		// Those that have been tried longest are named.
		for i := 1; i <= 4; i++ {
			settle(ctx, fmt.Sprint("order-", i))
			time.Sleep(time.Second)
		}
		at(66*time.Second, 5, 5, told(0, "order-0", "12m20s"), told(1, "order-1", "1m10s"), told(2, "order-2", "1m9s"),
			"consumer: inventory has tried 2 more messages for long, and tries them again")

		takeAway()
		for range 4 {
			if err := <-outcomes; !errors.Is(err, context.Canceled) {
				t.Errorf("taken away: %v", err)
			}
		}
		at(0, 1, 5, told(0, "order-0", "12m20s"))
		away.Store(false)
		if err := <-outcomes; err != nil || handled != 1 {
			t.Errorf("handled %d times, %v", handled, err)
		}
		at(0, 0, 5)
	})
}
