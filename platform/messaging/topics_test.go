package messaging_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"

	"waybill.dev/contracts"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/messaging"
)

func TestTopicsAreMadeOnce(t *testing.T) {
	t.Parallel()
	brokers, prefix := kafkatest.Brokers(t), topicPrefix()
	for range 2 {
		if err := messaging.CreateTopics(t.Context(), brokers, prefix, contracts.Topics()); err != nil {
			t.Fatal(err)
		}
	}
	config := describe(t, brokers, prefix+contracts.Topics()[0].Name)
	diff(t, "retention", config["retention.ms"], "-1")
	diff(t, "largest message", config["max.message.bytes"], "4194304")

	other := contracts.Topic{Name: contracts.Topics()[0].Name, Partitions: 6, RetentionMillis: -1}
	err := messaging.CreateTopics(t.Context(), brokers, prefix, []contracts.Topic{other})
	var wrong *messaging.PartitionsError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "has 12 partitions, 6 are declared") {
		t.Errorf("with another number of partitions: %v", err)
	}
	if err := messaging.CreateTopics(t.Context(), brokers, prefix, []contracts.Topic{{Name: "no good name", Partitions: 1}}); err == nil {
		t.Error("a topic with a wrong name was made")
	}
	if err := messaging.CreateTopics(t.Context(), []string{deadAddress(t)}, prefix, contracts.Topics()); err == nil {
		t.Error("topics were made without Kafka")
	}
}

// Where there are three brokers, a record is on all three, and two must have it.
func TestTopicsAreReplicatedOnThreeBrokers(t *testing.T) {
	t.Parallel()
	for brokers, want := range map[int]struct {
		replicas int
		inSync   string
	}{1: {1, "1"}, 3: {3, "2"}, 4: {3, "2"}} {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(brokers))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cluster.Close)
		names := createTopics(t, cluster.ListenAddrs(), "", contracts.StockReleased{})
		admin := newAdmin(t, cluster.ListenAddrs())
		described, err := admin.DescribeTopics(names)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "partitions", len(described[0].Partitions), contracts.Partitions)
		diff(t, "replicas", len(described[0].Partitions[0].Replicas), want.replicas)
		diff(t, "in sync", describe(t, cluster.ListenAddrs(), names[0])["min.insync.replicas"], want.inSync)
	}
}

func newAdmin(t *testing.T, brokers []string) sarama.ClusterAdmin {
	t.Helper()
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	admin, err := sarama.NewClusterAdmin(brokers, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	return admin
}

// describe gives the configuration of a topic.
func describe(t *testing.T, brokers []string, topic string) map[string]string {
	t.Helper()
	entries, err := newAdmin(t, brokers).DescribeConfig( //nolint:staticcheck // its successor answers for several resources at once
		sarama.ConfigResource{Type: sarama.TopicResource, Name: topic})
	if err != nil {
		t.Fatal(err)
	}
	config := map[string]string{}
	for _, e := range entries {
		config[e.Name] = e.Value
	}
	return config
}
