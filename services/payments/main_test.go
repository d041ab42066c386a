package payments_test

import (
	"testing"

	"waybill.dev/local/broker"
	"waybill.dev/platform/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func brokers(t testing.TB) []string {
	b, err := broker.Start(broker.Config{Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Stop() })
	return b.Brokers()
}
