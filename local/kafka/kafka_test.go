package kafka

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
)

const topic = "commerce.test.happened"

func TestRecordsOutliveKillAndStop(t *testing.T) {
	t.Parallel()
	config := Config{Data: filepath.Join(t.TempDir(), "data")}
	server := mustStart(t, config)
	createTopic(t, server, topic, 1)
	producer := newProducer(t, server)
	send(t, producer, topic, "a", "b")

	_, err := Start(t.Context(), config)
	wantFailure(t, err, "in use")

	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	before := server.Port()
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if server.Port() != before {
		t.Errorf("restarted on port %d, was on %d", server.Port(), before)
	}
	// The producer of before goes on.
	send(t, producer, topic, "c")

	for range 2 {
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	config.Port = before
	again := mustStart(t, config)
	send(t, producer, topic, "d")
	if difference := cmp.Diff([]string{"a", "b", "c", "d"}, read(t, again, topic, 4)); difference != "" {
		t.Errorf("records (-want +got):\n%s", difference)
	}
}

func TestPausedBrokerAnswersWhenResumed(t *testing.T) {
	t.Parallel()
	server := mustStart(t, Config{Ephemeral: true})
	createTopic(t, server, topic, 1)
	producer := newProducer(t, server)
	send(t, producer, topic, "before")

	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("while paused")})
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Fatalf("a paused broker answered: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Errorf("after the pause: %v", err)
	}
	if difference := cmp.Diff([]string{"before", "while paused"}, read(t, server, topic, 2)); difference != "" {
		t.Errorf("records (-want +got):\n%s", difference)
	}
}

func TestTopicsAreNotMadeByAskingAndEphemeralLeavesNothing(t *testing.T) {
	t.Parallel()
	server := mustStart(t, Config{Ephemeral: true})
	config := clientConfig()
	config.Producer.Retry.Max, config.Metadata.Retry.Max = 1, 0
	producer, err := sarama.NewSyncProducer(server.Brokers(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	_, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: "never.declared", Value: sarama.StringEncoder("x")})
	if !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		t.Errorf("a message to a topic that nobody made: %v, want %v", err, sarama.ErrUnknownTopicOrPartition)
	}
	// A paused broker hears of its end too.
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(server.folder.Path); !os.IsNotExist(err) {
		t.Errorf("the data folder is still there: %v", err)
	}
}

func TestBrokerEndsWithItsKilledParent(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	host, pid := startHosted(t, data)
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	deadline := time.Now().Add(30 * time.Second)
	for ; syscall.Kill(pid, 0) == nil; time.Sleep(pollInterval) {
		if time.Now().After(deadline) {
			t.Fatalf("the broker, pid %d, outlives its parent", pid)
		}
	}
}

func TestRefusedStarts(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	broken := t.TempDir()
	if err := os.MkdirAll(filepath.Join(broken, logName, "a-0"), 0o700); err != nil {
		t.Fatal(err)
	}
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "thesis.odt"), []byte("years of work"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"port taken":     {Config{Ephemeral: true, Port: port}, "port " + strconv.Itoa(port) + " on 127.0.0.1 is taken"},
		"no folder":      {Config{}, "no data folder given"},
		"no version":     {Config{Ephemeral: true, Version: "4.1.0</version>"}, "no version of Kafka"},
		"broken":         {Config{Data: broken}, "meta.properties"},
		"something else": {Config{Data: foreign}, "thesis.odt"},
	} {
		_, err := Start(t.Context(), test.config)
		if err == nil {
			t.Errorf("%s: it started, and should not have", name)
			continue
		}
		wantFailure(t, err, test.want)
	}
}

func TestMissingTools(t *testing.T) {
	java, err := findJava()
	if err != nil {
		t.Fatal(err)
	}
	tools := t.TempDir()
	t.Setenv("PATH", tools)
	t.Setenv("JAVA_HOME", "")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	_, err = Start(t.Context(), Config{Ephemeral: true})
	wantFailure(t, err, "java is missing", "install")

	if err := os.Symlink(java, filepath.Join(tools, "java")); err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), Config{Ephemeral: true})
	wantFailure(t, err, "mvn is missing", "install")
}

func TestStartFailureIsOneTellingLine(t *testing.T) {
	t.Parallel()
	for want, lines := range map[string][]string{
		"it said nothing": nil,
		"too old":         {"Error: LinkageError occurred", "java.lang.UnsupportedClassVersionError: kafka/Kafka"},
		"is taken":        {"[main] ERROR kafka.Kafka - Exiting", "Caused by: java.net.BindException: Address already in use"},
		"disk is full":    {"[main] WARN x - slow", "[main] ERROR kafka.Kafka - disk is full", "at kafka.Kafka.main(Kafka.scala)"},
	} {
		wantFailure(t, startFailure(lines, 9092), want)
	}
}
