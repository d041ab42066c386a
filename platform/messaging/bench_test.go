package messaging_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"waybill.dev/contracts"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
)

// benchmarkRows is how much one round carries.
const benchmarkRows = 20_000

var benchmarkEvents = []contracts.Event{contracts.OrderCancelled{}, contracts.StockReserved{}, contracts.StockReleased{}, contracts.PaymentVoided{}}

func benchmarkMessages(round int) []contracts.Message {
	var messages []contracts.Message
	for i := range benchmarkRows {
		messages = append(messages, said(benchmarkEvents[i%4], fmt.Sprintf("018f7a8e-0000-7000-8000-%04d%08d", round, i/4), i))
	}
	return messages
}

func BenchmarkRelay(b *testing.B) {
	for _, rows := range []int{100, 1000} {
		b.Run(fmt.Sprintf("batch-%d", rows), func(b *testing.B) {
			pool, brokers, prefix := pgtest.Pool(b, service, nil), kafkatest.Brokers(b), topicPrefix()
			createTopics(b, brokers, prefix, benchmarkEvents...)
			round, took := 0, time.Duration(0)
			for b.Loop() {
				b.StopTimer()
				write(b, pool, benchmarkMessages(round)...)
				round++
				b.StartTimer()
				begun := time.Now()
				metrics := prometheus.NewRegistry()
				_, stop := startRelay(b, messaging.RelayConfig{
					Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix, BatchRows: rows, Metrics: metrics,
				})
				eventually(b, "all are sent", func() bool {
					return testutil.GatherAndCompare(metrics, strings.NewReader(fmt.Sprintf(`
# HELP outbox_sent_total Rows of the outbox that Kafka has acknowledged, repeats included.
# TYPE outbox_sent_total counter
outbox_sent_total %d
`, benchmarkRows)), "outbox_sent_total") == nil
				})
				took += time.Since(begun)
				stop()
			}
			b.ReportMetric(float64(round*benchmarkRows)/took.Seconds(), "rows/s")
		})
	}
}

func BenchmarkConsumer(b *testing.B) {
	for _, pause := range []time.Duration{0, 5 * time.Millisecond} {
		b.Run(fmt.Sprintf("handling-%v", pause), func(b *testing.B) {
			pool, brokers, prefix := pgtest.Pool(b, service, nil), kafkatest.Brokers(b), topicPrefix()
			names := createTopics(b, brokers, prefix, benchmarkEvents...)
			round, took := 0, time.Duration(0)
			for b.Loop() {
				b.StopTimer()
				say(b, brokers, prefix, benchmarkMessages(round)...)
				round++
				b.StartTimer()
				var heard atomic.Int64
				begun := time.Now()
				_, stop := startConsumer(b, messaging.ConsumerConfig{
					Brokers: brokers, Group: prefix, Topics: names, TopicPrefix: prefix, Pool: pool,
					Handle: func(context.Context, contracts.Message) error {
						if pause > 0 {
							time.Sleep(pause)
						}
						heard.Add(1)
						return nil
					},
				})
				eventually(b, "all are heard", func() bool { return heard.Load() >= benchmarkRows })
				took += time.Since(begun)
				stop()
			}
			b.ReportMetric(float64(round*benchmarkRows)/took.Seconds(), "messages/s")
		})
	}
}
