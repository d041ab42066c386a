package messaging

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/IBM/sarama"

	"waybill.dev/contracts"
)

// metadataDelay is how long a topic that was just created may be unknown to the broker that is asked.
const metadataDelay = 10 * time.Second

// PartitionsError says that a topic has another number of partitions than declared. It does not pass by itself.
type PartitionsError struct {
	Topic          string
	Have, Declared int32
}

func (e *PartitionsError) Error() string {
	return fmt.Sprintf("topic %s has %d partitions, %d are declared", e.Topic, e.Have, e.Declared)
}

// CreateTopics makes the topics that do not exist, each name under the prefix: replicated on three brokers where
// there are as many, with two of them in sync. An existing topic is left as it is; one with another number of
// partitions than declared is a *PartitionsError, because keys would be spread differently from now on.
func CreateTopics(ctx context.Context, brokers []string, prefix string, topics []contracts.Topic) error {
	if len(topics) == 0 {
		return nil
	}
	config := adminConfig("waybill-topics")
	admin, err := sarama.NewClusterAdmin(brokers, config)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	defer func() { _ = admin.Close() }()
	members, _, err := admin.DescribeCluster()
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}

	details := map[string]*sarama.TopicDetail{}
	for _, t := range topics {
		details[prefix+t.Name] = topicDetail(t, len(members))
	}
	controller, err := admin.Controller()
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	response, err := controller.CreateTopics(sarama.NewCreateTopicsRequest(config.Version, details, config.Admin.Timeout, false))
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	var failed []error
	for name, e := range response.TopicErrors {
		if e.Err != sarama.ErrNoError && e.Err != sarama.ErrTopicAlreadyExists {
			failed = append(failed, fmt.Errorf("create topic %s: %w", name, e))
		}
	}
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	return checkPartitions(ctx, admin, details)
}

func topicDetail(t contracts.Topic, brokers int) *sarama.TopicDetail {
	retention, size, inSync := strconv.FormatInt(t.RetentionMillis, 10), strconv.Itoa(maxMessageBytes), "2"
	detail := &sarama.TopicDetail{
		NumPartitions:     t.Partitions,
		ReplicationFactor: int16(min(3, brokers)),
		ConfigEntries:     map[string]*string{"retention.ms": &retention, "max.message.bytes": &size},
	}
	if brokers >= 3 {
		detail.ConfigEntries["min.insync.replicas"] = &inSync
	}
	return detail
}

// checkPartitions waits until each topic is known and compares its partitions with what is declared.
func checkPartitions(ctx context.Context, admin sarama.ClusterAdmin, declared map[string]*sarama.TopicDetail) error {
	ctx, cancel := context.WithTimeout(ctx, metadataDelay)
	defer cancel()
	var names []string
	for name := range declared {
		names = append(names, name)
	}
	for {
		described, err := admin.DescribeTopics(names)
		if err != nil {
			return fmt.Errorf("describe topics: %w", err)
		}
		var unknown, wrong []error
		for _, t := range described {
			want := declared[t.Name]
			switch {
			case t.Err != sarama.ErrNoError:
				unknown = append(unknown, fmt.Errorf("topic %s: %w", t.Name, t.Err))
			case int32(len(t.Partitions)) != want.NumPartitions:
				wrong = append(wrong, &PartitionsError{t.Name, int32(len(t.Partitions)), want.NumPartitions})
			}
		}
		if len(wrong) > 0 || len(unknown) == 0 {
			return errors.Join(wrong...)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(unknown...)
		}
	}
}
