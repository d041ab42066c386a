package broker

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

// The variables make the test program a process that runs a broker, so that a test can kill it.
const (
	hostVariable = "WAYBILL_TEST_HOST_DATA"
	portVariable = "WAYBILL_TEST_HOST_PORT"
)

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

// host runs a broker until its input ends, and says where it is.
func host(data string) error {
	var port int
	if _, err := fmt.Sscan(os.Getenv(portVariable), &port); err != nil {
		return err
	}
	broker, err := Start(Config{Data: data, Port: port})
	if err != nil {
		return err
	}
	fmt.Println(broker.Brokers()[0])
	_, _ = io.Copy(io.Discard, os.Stdin)
	return broker.Stop()
}

// hosted is a broker in a process of its own.
type hosted struct {
	command *exec.Cmd
	address string
}

func startHosted(t *testing.T, data string, port int) hosted {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program)
	command.Env = append(os.Environ(), hostVariable+"="+data, fmt.Sprintf("%s=%d", portVariable, port))
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
	h := hosted{command: command}
	t.Cleanup(h.kill)
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the host said nothing: %v: %s", err, complaints)
	}
	h.address = strings.TrimSpace(line)
	return h
}

// kill is kill -9, and waits until the process is gone.
func (h hosted) kill() {
	_ = h.command.Process.Kill()
	_ = h.command.Wait()
}

// clientConfig is how the suite's services talk to Kafka.
func clientConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Net.MaxOpenRequests = 1
	config.Producer.Return.Successes = true
	config.Producer.Retry.Max = 100
	config.Producer.Retry.Backoff = 50 * time.Millisecond
	config.Metadata.Retry.Max = 100
	config.Metadata.Retry.Backoff = 50 * time.Millisecond
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	return config
}

func createTopic(t *testing.T, address, topic string, partitions int32) {
	t.Helper()
	admin, err := sarama.NewClusterAdmin([]string{address}, clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	forever := "-1"
	err = admin.CreateTopic(topic, &sarama.TopicDetail{
		NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: map[string]*string{"retention.ms": &forever},
	}, false)
	if err != nil {
		t.Fatal(err)
	}
}

func newProducer(t *testing.T, address string) sarama.SyncProducer {
	t.Helper()
	producer, err := sarama.NewSyncProducer([]string{address}, clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = producer.Close() })
	return producer
}

func message(topic string, number int) *sarama.ProducerMessage {
	return &sarama.ProducerMessage{
		Topic: topic,
		Key:   sarama.StringEncoder(fmt.Sprintf("key %d", number%7)),
		Value: sarama.StringEncoder(fmt.Sprint(number)),
	}
}

// consume reads, in the group, until it has had so many messages; the end of the session commits these.
func consume(t *testing.T, address, group, topic string, wanted int) []string {
	t.Helper()
	consumers, err := sarama.NewConsumerGroup([]string{address}, group, clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer consumers.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	reader := &reader{values: make(chan string), done: ctx.Done()}
	ended := make(chan error, 1)
	go func() { ended <- consumers.Consume(ctx, []string{topic}, reader) }()
	var values []string
	for len(values) < wanted {
		select {
		case value := <-reader.values:
			values = append(values, value)
		case err := <-ended:
			t.Fatalf("after %d of %d messages the session ended: %v", len(values), wanted, err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return values
}

type reader struct {
	values chan string
	done   <-chan struct{}
}

func (*reader) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*reader) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (r *reader) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			select {
			case r.values <- string(message.Value):
				session.MarkMessage(message, "")
			case <-r.done:
				return nil
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

func wantFailure(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil {
		t.Fatal("it started, and should not have")
	}
	if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), part) {
		t.Errorf("want one line that says %q, got: %v", part, err)
	}
}
