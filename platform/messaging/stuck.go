package messaging

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"waybill.dev/contracts"
)

const (
	// stuckAfter is how long a message may be tried before people are told: longer than a race, a restart or a failover.
	stuckAfter = time.Minute
	// stuckTold is how many such messages are named.
	stuckTold = 3
)

// stuck are the messages that have been tried for so long. They are tried for as long as it takes, and each holds up its
// partition.
type stuck struct {
	mu  sync.Mutex
	all map[*message.Message]time.Time // since when it is tried
}

// tellStuck tells of a message that is tried since then and has failed again, once, when that is long.
func (c *Consumer) tellStuck(ctx context.Context, m *message.Message, since time.Time, err error) {
	c.stuck.mu.Lock()
	defer c.stuck.mu.Unlock()
	if _, told := c.stuck.all[m]; told || time.Since(since) < stuckAfter {
		return
	}
	c.stuck.all[m] = since
	c.stuckCount.Set(float64(len(c.stuck.all)))
	record := recordOf(m)
	c.Logger.ErrorContext(ctx, "a message does not get through, and holds up its partition while it is tried again",
		"tenant", text(m.Metadata.Get(contracts.HeaderTenant)), "order", text(m.Metadata.Get(contracts.HeaderSubject)),
		"correlation_id", text(m.Metadata.Get(contracts.HeaderCorrelationID)), "message_id", text(m.UUID),
		"topic", record.Topic, "partition", record.Partition, "offset", record.Offset, "error", err)
}

// unstick forgets a message that has been seen through or is another replica's.
func (c *Consumer) unstick(m *message.Message) {
	c.stuck.mu.Lock()
	defer c.stuck.mu.Unlock()
	if _, told := c.stuck.all[m]; !told {
		return
	}
	delete(c.stuck.all, m)
	c.stuckCount.Set(float64(len(c.stuck.all)))
}

// degradedByStuck names some of the messages, those first that are tried longest.
func (c *Consumer) degradedByStuck() (told []string) {
	c.stuck.mu.Lock()
	defer c.stuck.mu.Unlock()
	messages := make([]*message.Message, 0, len(c.stuck.all))
	for m := range c.stuck.all {
		messages = append(messages, m)
	}
	slices.SortFunc(messages, func(a, b *message.Message) int { return c.stuck.all[a].Compare(c.stuck.all[b]) })
	for i, m := range messages {
		if i == stuckTold {
			return append(told, fmt.Sprintf("consumer: %s has tried %d more messages for long, and tries them again", c.Group, len(messages)-i))
		}
		told = append(told, fmt.Sprintf("consumer: %s has tried message %s of order %s for %v, and tries it again", c.Group,
			text(m.UUID), text(m.Metadata.Get(contracts.HeaderSubject)), time.Since(c.stuck.all[m]).Round(time.Second)))
	}
	return told
}
