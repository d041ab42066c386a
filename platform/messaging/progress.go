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
	ends, err := c.places(ctx, sarama.OffsetNewest)
	if err != nil {
		return nil, fmt.Errorf("where the topics end: %w", err)
	}
	return func(ctx context.Context) (bool, error) { return c.isPast(ctx, ends) }, nil
}

// HasRead says whether the group has come past every message that came to Kafka before a time. It fails while Kafka is
// out of reach.
func (c *Consumer) HasRead(ctx context.Context, before time.Time) (bool, error) {
	ends, err := c.places(ctx, sarama.OffsetNewest)
	if err != nil {
		return false, fmt.Errorf("where the topics end: %w", err)
	}
	since, err := c.places(ctx, before.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("what came after %s: %w", before, err)
	}
	for topic, partitions := range since {
		for p, offset := range partitions {
			if offset >= 0 { // otherwise all that is there came before
				ends[topic][p] = offset
			}
		}
	}
	return c.isPast(ctx, ends)
}

// places asks for the offset of a time, in milliseconds, in each partition of every topic that the consumer hears: that
// of the first message which came then or later, and -1 where none did. sarama.OffsetNewest is the end.
func (c *Consumer) places(ctx context.Context, at int64) (map[string]map[int32]int64, error) {
	return ask(ctx, c, func(admin sarama.ClusterAdmin) (map[string]map[int32]int64, error) {
		described, err := admin.DescribeTopics(c.topics)
		if err != nil {
			return nil, err
		}
		asked := map[string]map[int32]int64{}
		for _, t := range described {
			if t.Err != sarama.ErrNoError {
				return nil, fmt.Errorf("topic %s: %w", t.Name, t.Err)
			}
			asked[t.Name] = map[int32]int64{}
			for _, p := range t.Partitions {
				asked[t.Name][p.ID] = at
			}
		}
		offsets, err := admin.ListOffsets(asked, nil)
		if err != nil {
			return nil, err
		}
		places := map[string]map[int32]int64{}
		for topic, partitions := range asked {
			places[topic] = map[int32]int64{}
			for p := range partitions {
				found, ok := offsets[topic][p]
				if !ok {
					return nil, fmt.Errorf("topic %s, partition %d: %w", topic, p, sarama.ErrIncompleteResponse)
				}
				if found.Err != nil && !errors.Is(found.Err, sarama.ErrNoError) {
					return nil, fmt.Errorf("topic %s, partition %d: %w", topic, p, found.Err)
				}
				places[topic][p] = found.Offset
			}
		}
		return places, nil
	})
}

// isPast forgets the partitions that the group has come past, and says whether these are all.
func (c *Consumer) isPast(ctx context.Context, ends map[string]map[int32]int64) (bool, error) {
	remaining := map[string][]int32{}
	for topic, partitions := range ends {
		for p, end := range partitions {
			if end > 0 { // nothing is before the first
				remaining[topic] = append(remaining[topic], p)
			}
		}
	}
	committed, err := ask(ctx, c, func(admin sarama.ClusterAdmin) (*sarama.OffsetFetchResponse, error) {
		committed, err := admin.ListConsumerGroupOffsets(c.Group, remaining)
		if err == nil && committed.Err != sarama.ErrNoError {
			err = committed.Err
		}
		return committed, err
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

// ask has something found out by a client of its own, which goes when it has. An answer that comes after ctx has ended, or
// too late, is nobody's.
func ask[A any](ctx context.Context, c *Consumer, find func(sarama.ClusterAdmin) (A, error)) (answer A, err error) {
	ctx, cancel := context.WithTimeout(ctx, progressTime)
	defer cancel()
	type found struct {
		answer A
		err    error
	}
	answered := make(chan found, 1)
	go func() {
		admin, err := sarama.NewClusterAdmin(c.Brokers, adminConfig("waybill-progress"))
		if err != nil {
			answered <- found{err: err}
			return
		}
		defer func() { _ = admin.Close() }()
		answer, err := find(admin)
		answered <- found{answer, err}
	}()
	select {
	case found := <-answered:
		return found.answer, found.err
	case <-ctx.Done():
		return answer, context.Cause(ctx)
	}
}
