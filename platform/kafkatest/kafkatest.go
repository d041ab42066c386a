// Package kafkatest gives tests a real Apache Kafka, one broker.
//
// The first test of a process that asks starts it, with its data in a temporary folder; all others share it, and keep
// apart by the names of their topics and groups. Topics are not created by asking for them:
//
//	func TestMain(m *testing.M) { kafkatest.Main(m) }
//
//	func TestRelay(t *testing.T) {
//		brokers := kafkatest.Brokers(t)
//		…
//	}
//
// A test that kills, stops or pauses its broker takes one of its own with Server. It needs Java and Maven, and fails with
// a line that says what to install where these are missing. The environment variable WAYBILL_TEST_KAFKA names another
// release than the usual, such as 3.6.2.
package kafkatest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"waybill.dev/local/kafka"
)

// versionVariable names the release of Kafka.
const versionVariable = "WAYBILL_TEST_KAFKA"

// shared is the one broker of this test process. The tests of a package know of each other only that they run in one
// process, so what they share is kept by the process.
var shared process

type process struct {
	mutex  sync.Mutex
	server *kafka.Server
}

// Main runs the tests of a package, stops the broker that they shared, and exits. Without it the broker ends with the
// process too, but its temporary folder stays for a later run to sweep.
func Main(m *testing.M) { os.Exit(Run(m.Run)) }

// Run is Main for a package that has more to do around its tests:
//
//	os.Exit(pgtest.Run(func() int { return kafkatest.Run(m.Run) }))
func Run(tests func() int) int {
	code := tests()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	return code
}

// Brokers are the addresses of the shared broker, as clients take them.
func Brokers(t testing.TB) []string {
	t.Helper()
	// Not the test's context: the broker is for the tests after it too.
	server, err := shared.running(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return server.Brokers()
}

// Server starts a broker of the test's own, and stops it when the test ends. Its data outlives Kill and Restart.
func Server(t testing.TB) *kafka.Server {
	t.Helper()
	server, err := start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func start(ctx context.Context) (*kafka.Server, error) {
	return kafka.Start(ctx, kafka.Config{Ephemeral: true, Version: os.Getenv(versionVariable)})
}

func (p *process) running(ctx context.Context) (*kafka.Server, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.server == nil {
		server, err := start(ctx)
		if err != nil {
			return nil, err
		}
		p.server = server
	}
	return p.server, nil
}

func (p *process) stop() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.server == nil {
		return nil
	}
	return p.server.Stop()
}
