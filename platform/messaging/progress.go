package messaging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
)

// CaughtUp notes where every partition of every topic that the consumer hears ends now. What it returns says,
// later, whether the group has come past all of these, whichever replicas read them. Either fails while Kafka is
// out of reach.
//
// The group's progress is that of its commits, which follow the handling within a second.
func (c *Consumer) CaughtUp(ctx context.Context) (func(context.Context) (bool, error), error) {
	ends := map[string]map[int32]int64{}
	err := c.ask(ctx, func(admin sarama.ClusterAdmin) error {
		described, err := admin.DescribeTopics(c.topics)
		if err != nil {
			return err
		}
		newest := map[string]map[int32]int64{}
		for _, t := range described {
			if t.Err != sarama.ErrNoError {
				return fmt.Errorf("topic %s: %w", t.Name, t.Err)
			}
			newest[t.Name] = map[int32]int64{}
			for _, p := range t.Partitions {
				newest[t.Name][p.ID] = sarama.OffsetNewest
			}
		}
		offsets, err := admin.ListOffsets(newest, nil)
		if err != nil {
			return err
		}
		for topic, partitions := range newest {
			ends[topic] = map[int32]int64{}
			for p := range partitions {
				end, ok := offsets[topic][p]
				if !ok {
					return fmt.Errorf("topic %s, partition %d: %w", topic, p, sarama.ErrIncompleteResponse)
				}
				if end.Err != nil && !errors.Is(end.Err, sarama.ErrNoError) {
					return fmt.Errorf("topic %s, partition %d: %w", topic, p, end.Err)
				}
				if end.Offset > 0 {
					ends[topic][p] = end.Offset
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("where the topics end: %w", err)
	}
	return func(ctx context.Context) (bool, error) { return c.isPast(ctx, ends) }, nil
}

// isPast forgets the partitions that the group has come past, and says whether these are all.
func (c *Consumer) isPast(ctx context.Context, ends map[string]map[int32]int64) (bool, error) {
	remaining := map[string][]int32{}
	for topic, partitions := range ends {
		for p := range partitions {
			remaining[topic] = append(remaining[topic], p)
		}
	}
	var committed *sarama.OffsetFetchResponse
	err := c.ask(ctx, func(admin sarama.ClusterAdmin) (err error) {
		committed, err = admin.ListConsumerGroupOffsets(c.Group, remaining)
		if err == nil && committed.Err != sarama.ErrNoError {
			err = committed.Err
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("how far group %s has come: %w", c.Group, err)
	}
	past := true
	for topic, partitions := range remaining {
		for _, p := range partitions {
			block := committed.GetBlock(topic, p)
			switch {
			case block == nil:
				return false, fmt.Errorf("topic %s, partition %d: %w", topic, p, sarama.ErrIncompleteResponse)
			case block.Err != sarama.ErrNoError:
				return false, fmt.Errorf("topic %s, partition %d: %w", topic, p, block.Err)
			case block.Offset < ends[topic][p]:
				past = false
			default:
				delete(ends[topic], p)
			}
		}
	}
	return past, nil
}

// progressTime is how long Kafka may take to answer.
const progressTime = 6 * time.Second

// ask has something done by a client of its own, which goes when it is done.
func (c *Consumer) ask(ctx context.Context, do func(sarama.ClusterAdmin) error) error {
	ctx, cancel := context.WithTimeout(ctx, progressTime)
	defer cancel()
	answered := make(chan error, 1)
	go func() {
		admin, err := sarama.NewClusterAdmin(c.Brokers, adminConfig("waybill-progress"))
		if err != nil {
			answered <- err
			return
		}
		defer func() { _ = admin.Close() }()
		answered <- do(admin)
	}()
	select {
	case err := <-answered:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
