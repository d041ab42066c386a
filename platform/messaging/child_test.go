package messaging_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"waybill.dev/platform/messaging"
	"waybill.dev/platform/postgres"
)

// childVariable makes the test program a part of a service in a process of its own: which part, database, brokers and
// prefix.
const childVariable = "WAYBILL_TEST_CHILD"

// startChild starts a part of a service in a process of its own: "relay", or "consumer" for the one of a scene.
func startChild(t *testing.T, part, url string, brokers []string, prefix string) *os.Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self)
	command.Env = append(os.Environ(), childVariable+"="+strings.Join([]string{part, url, strings.Join(brokers, ","), prefix}, "|"))
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		_ = command.Process.Signal(syscall.SIGCONT)
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return command.Process
}

// asChild does not return where the program is a child.
func asChild() {
	configuration := os.Getenv(childVariable)
	if configuration == "" {
		return
	}
	if err := beChild(strings.Split(configuration, "|")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// beChild works until the standard input ends.
func beChild(configuration []string) error {
	part, url, brokers, prefix := configuration[0], configuration[1], strings.Split(configuration[2], ","), configuration[3]
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	pool, err := postgres.Open(ctx, url, postgres.Options{Service: service})
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if part == "consumer" {
		return beConsumer(ctx, pool, brokers, prefix)
	}
	relay, err := messaging.NewRelay(messaging.RelayConfig{Pool: pool, Service: service, Brokers: brokers, TopicPrefix: prefix})
	if err != nil {
		return err
	}
	return relay.Run(ctx)
}

// beConsumer is a replica of a scene of which nothing fails.
func beConsumer(ctx context.Context, pool *pgxpool.Pool, brokers []string, prefix string) error {
	book, err := newBook(pool, newTroubles())
	if err != nil {
		return err
	}
	go book.log.Run(ctx)
	_, names := topicsOf(sceneEvents...)
	consumer, err := messaging.NewConsumer((&scene{pool: pool, brokers: brokers, prefix: prefix, names: names}).hearing(book))
	if err != nil {
		return err
	}
	return consumer.Run(ctx)
}
