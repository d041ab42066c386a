package messaging

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/IBM/sarama"
)

// offsetsRetention is the brokers' setting of how long the place of a group is kept that nobody is a member of.
const offsetsRetention = "offsets.retention.minutes"

// longestMinutes are the minutes of the longest Duration.
const longestMinutes = math.MaxInt64 / int64(time.Minute)

// OffsetsKept is how long Kafka keeps the group's place in its topics while no member of the group is there: the
// shortest time that any of its brokers is set to. After it the group reads from the oldest message again.
func (c *Consumer) OffsetsKept(ctx context.Context) (time.Duration, error) {
	kept, err := ask(ctx, c, func(admin sarama.ClusterAdmin) (time.Duration, error) {
		brokers, _, err := admin.DescribeCluster()
		if err != nil {
			return 0, err
		}
		if len(brokers) == 0 {
			return 0, errors.New("the cluster names no broker")
		}
		kept := time.Duration(math.MaxInt64)
		for _, b := range brokers {
			at, err := offsetsKept(admin, b.ID())
			if err != nil {
				return 0, fmt.Errorf("broker %d: %w", b.ID(), err)
			}
			kept = min(kept, at)
		}
		return kept, nil
	})
	if err != nil {
		return 0, fmt.Errorf("how long Kafka keeps the offsets of groups: %w", err)
	}
	return kept, nil
}

func offsetsKept(admin sarama.ClusterAdmin, broker int32) (time.Duration, error) {
	results, err := admin.DescribeConfigs([]*sarama.ConfigResource{{
		Type: sarama.BrokerResource, Name: strconv.Itoa(int(broker)), ConfigNames: []string{offsetsRetention},
	}}, sarama.DescribeConfigsOptions{})
	if err != nil {
		return 0, err
	}
	for _, r := range results {
		if r.ErrorCode != 0 {
			return 0, &sarama.DescribeConfigError{Err: r.ErrorCode, ErrMsg: r.ErrorMsg}
		}
		for _, e := range r.Configs {
			if e.Name != offsetsRetention {
				continue
			}
			minutes, err := strconv.ParseInt(e.Value, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%s is %q", offsetsRetention, e.Value)
			}
			// Kafka's longest, 2147483647 minutes, is longer than a Duration.
			return time.Duration(min(minutes, longestMinutes)) * time.Minute, nil
		}
	}
	return 0, fmt.Errorf("it does not tell its %s", offsetsRetention)
}
