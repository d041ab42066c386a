package kafka

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
)

// hostVariable makes the test program a process that runs a broker on the folder it names, so that a test can kill the
// parent of a broker.
const hostVariable = "WAYBILL_TEST_HOST_DATA"

func TestMain(m *testing.M) {
	if data := os.Getenv(hostVariable); data != "" {
		if err := host(data); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// host runs a broker until its input ends, and says its process id.
func host(data string) error {
	server, err := Start(context.Background(), Config{Data: data})
	if err != nil {
		return err
	}
	fmt.Println(server.Pid())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return server.Stop()
}

func startHosted(t *testing.T, data string) (host *exec.Cmd, pid int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program)
	command.Env = append(os.Environ(), hostVariable+"="+data)
	complaints := new(strings.Builder)
	command.Stderr = complaints
	if _, err := command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill() })
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		_ = command.Wait()
		t.Fatalf("the host said nothing: %v: %s", err, complaints)
	}
	if _, err := fmt.Sscan(line, &pid); err != nil {
		t.Fatal(err)
	}
	return command, pid
}

func mustStart(t *testing.T, config Config) *Server {
	t.Helper()
	server, err := Start(t.Context(), config)
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

// clientConfig is how the suite's services talk to Kafka.
func clientConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1
	config.Producer.Return.Successes = true
	config.Producer.Retry.Max = 600
	config.Producer.Retry.Backoff = 100 * time.Millisecond
	config.Metadata.Retry.Max = 600
	config.Metadata.Retry.Backoff = 100 * time.Millisecond
	return config
}

func createTopic(t *testing.T, server *Server, topic string, partitions int32) {
	t.Helper()
	admin, err := sarama.NewClusterAdmin(server.Brokers(), clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false); err != nil {
		t.Fatal(err)
	}
}

func newProducer(t *testing.T, server *Server) sarama.SyncProducer {
	t.Helper()
	producer, err := sarama.NewSyncProducer(server.Brokers(), clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = producer.Close() })
	return producer
}

func send(t *testing.T, producer sarama.SyncProducer, topic string, values ...string) {
	t.Helper()
	for _, value := range values {
		if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(value)}); err != nil {
			t.Fatalf("send %s: %v", value, err)
		}
	}
}

// read reads so many messages of a topic with one partition, from the first.
func read(t *testing.T, server *Server, topic string, wanted int) []string {
	t.Helper()
	consumer, err := sarama.NewConsumer(server.Brokers(), clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	if err != nil {
		t.Fatal(err)
	}
	defer partition.Close()
	var values []string
	deadline := time.After(30 * time.Second)
	for len(values) < wanted {
		select {
		case message := <-partition.Messages():
			values = append(values, string(message.Value))
		case <-deadline:
			t.Fatalf("only %d of %d messages came", len(values), wanted)
		}
	}
	return values
}

func wantFailure(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("it started, and should not have")
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has several lines:\n%v", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
}
