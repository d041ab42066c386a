package kafkatest

import (
	"testing"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) { Main(m) }

func createTopic(t *testing.T, brokers []string, topic string) {
	t.Helper()
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	admin, err := sarama.NewClusterAdmin(brokers, config)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false); err != nil {
		t.Fatal(err)
	}
}

func topics(t *testing.T, brokers []string) []string {
	t.Helper()
	client, err := sarama.NewClient(brokers, sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	names, err := client.Topics()
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestBrokerIsSharedAndServerIsNot(t *testing.T) {
	t.Parallel()
	brokers := Brokers(t)
	createTopic(t, brokers, "shared")
	if difference := cmp.Diff(brokers, Brokers(t)); difference != "" {
		t.Errorf("asked twice (-first +second):\n%s", difference)
	}
	own := Server(t)
	if found := topics(t, own.Brokers()); len(found) != 0 {
		t.Errorf("a broker of the test's own knows the topics %v", found)
	}
	createTopic(t, own.Brokers(), "own")
	if err := own.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := own.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff([]string{"own"}, topics(t, own.Brokers())); difference != "" {
		t.Errorf("topics after the crash (-want +got):\n%s", difference)
	}
}
