package messaging

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/platform/internal/pace"
)

// claim is a partition that this member of the group has, with the records that wait for its handler. One whose
// handler is slow is no longer fetched, and holds up no other.
type claim struct {
	client *kgo.Client
	partition
	output chan<- *message.Message
	cancel context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex
	waiting []*kgo.Record
	paused  bool
	more    chan struct{} // holds a token when records were added
}

const (
	// claimFull is how many records may wait before the partition is no longer fetched, claimLow how few before
	// it is fetched again. A fetch that is under way goes first, and may wait for records as long as fetchWait:
	// what is left must keep the handler busy for about that long.
	claimFull = 256
	claimLow  = 128
	// nackPause is how long a message rests that was given back. The consumer gives none back but at the end of
	// its claim.
	nackPause = 100 * time.Millisecond
)

func startClaim(client *kgo.Client, p partition, output chan<- *message.Message) *claim {
	ctx, cancel := context.WithCancel(context.Background())
	c := &claim{
		client: client, partition: p, output: output, cancel: cancel,
		ended: make(chan struct{}), more: make(chan struct{}, 1),
	}
	go c.run(ctx)
	return c
}

// wait waits until a claim that was cancelled hands out nothing more.
func (c *claim) wait() {
	<-c.ended
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pause(false) // whoever has the partition next, maybe this member, begins afresh
}

// add queues records, and never blocks.
func (c *claim) add(records []*kgo.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, records...)
	if len(c.waiting) >= claimFull {
		c.pause(true)
	}
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// next is the record to be handled next; nil when the claim has ended.
func (c *claim) next(ctx context.Context) *kgo.Record {
	for ctx.Err() == nil {
		if record := c.take(); record != nil {
			return record
		}
		select {
		case <-c.more:
		case <-ctx.Done():
		}
	}
	return nil
}

func (c *claim) take() *kgo.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		c.waiting = nil
		return nil
	}
	record := c.waiting[0]
	c.waiting[0] = nil
	c.waiting = c.waiting[1:]
	if len(c.waiting) <= claimLow {
		c.pause(false)
	}
	return record
}

// pause is called with the lock held.
func (c *claim) pause(paused bool) {
	if paused == c.paused {
		return
	}
	c.paused = paused
	this := map[string][]int32{c.topic: {c.number}}
	if paused {
		c.client.PauseFetchPartitions(this)
	} else {
		c.client.ResumeFetchPartitions(this)
	}
}

func (c *claim) run(ctx context.Context) {
	defer close(c.ended)
	for {
		record := c.next(ctx)
		if record == nil || !c.handOut(ctx, record) {
			return
		}
		c.client.MarkCommitRecords(record)
	}
}

// handOut gives the record to a handler until it is acknowledged, and says whether it was.
func (c *claim) handOut(ctx context.Context, record *kgo.Record) bool {
	for ctx.Err() == nil {
		m := toMessage(ctx, record)
		select {
		case c.output <- m:
		case <-ctx.Done():
			return false
		}
		select {
		case <-m.Acked():
			return true
		case <-m.Nacked():
			pace.Sleep(ctx, nackPause)
		case <-ctx.Done():
			return false
		}
	}
	return false
}
