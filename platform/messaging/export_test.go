package messaging

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Settle sees a record through, as the consumer does that has its partition.
func (c *Consumer) Settle(ctx context.Context, record *kgo.Record) error {
	return c.settle(toMessage(ctx, record))
}

// Replay handles what is due of the parked messages once, whoever else does.
func (c *Consumer) Replay(ctx context.Context) error {
	due, err := dueQueues(ctx, c.Pool)
	if err == nil {
		c.replayAll(ctx, due)
	}
	return err
}

// Replayed is a context in which a parked message is handled.
func Replayed(ctx context.Context) context.Context { return context.WithValue(ctx, replayed{}, true) }

// ListQuery is the statement of List, and how many arguments it has.
func ListQuery(filter Filter, after *Cursor) (query string, arguments int) {
	query, list := listQuery(filter, 200, after)
	return query, len(list)
}
