package saga

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/local/kafka"
	"waybill.dev/platform/pgtest"
)

// ground is what all suites of a run stand on.
type ground struct {
	// binaries is the folder with the programs.
	binaries string
	// brokers are those of the Kafka that nobody stops.
	brokers []string
	// places has room for the suites that may run at a time: more would only get in each other's way, and each takes
	// a gigabyte of memory.
	places chan struct{}
}

func newGround(t *testing.T) ground {
	t.Helper()
	g := ground{binaries: t.TempDir(), places: make(chan struct{}, 3)}
	built := make(chan error, 1)
	go func() { built <- build(t.Context(), g.binaries) }()
	g.brokers = startKafka(t).Brokers()
	if err := <-built; err != nil {
		t.Fatal(err)
	}
	return g
}

// build builds every program that a suite consists of, as its own module has it.
func build(ctx context.Context, into string) error {
	programs := map[string]string{"simulators": "../../simulators"}
	for _, name := range suite.ServiceNames() {
		programs[name] = "../../services/" + name
	}
	for name, module := range programs {
		output, err := exec.CommandContext(ctx, "go", "-C", module, "build", "-race", "-o", filepath.Join(into, name), "./cmd/"+name).CombinedOutput()
		if err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, output)
		}
	}
	return nil
}

func startKafka(t *testing.T) *kafka.Server {
	t.Helper()
	server, err := kafka.Start(t.Context(), kafka.Config{Ephemeral: true})
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

// database is an empty database of the test's own.
func database(t *testing.T) string {
	t.Helper()
	return pgtest.Database(t, pgtest.Template{Name: "empty"})
}
