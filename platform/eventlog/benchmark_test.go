package eventlog_test

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// BenchmarkHandle appends one fact a command, to a stream of its own, from many callers at once.
func BenchmarkHandle(b *testing.B) {
	for _, callers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			log := start(b, database(b))
			var n atomic.Int64
			b.SetParallelism(callers / 2)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r := request(move(fmt.Sprintf("account-%d", n.Add(1)), 1000))
					if _, err := log.Handle(b.Context(), r); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
		})
	}
}

// BenchmarkMessages appends one fact a message, and asks of each whether it must wait for parked ones, or does not.
func BenchmarkMessages(b *testing.B) {
	for _, waits := range []bool{false, true} {
		b.Run(fmt.Sprintf("asks=%t", waits), func(b *testing.B) {
			log := start(b, database(b))
			var n atomic.Int64
			b.SetParallelism(128)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					name := fmt.Sprintf("account-%d", n.Add(1))
					r := request(move(name, 1000))
					r.Message = name
					if waits {
						r.Subject = name
					}
					if _, err := log.Handle(b.Context(), r); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
