package saga

import (
	"container/heap"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/cmd/waybill/processes"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/contracts"
	"waybill.dev/platform/messaging"
)

// delivery says how long each copy of a message is held before it is delivered to a service. The first copies of a topic
// and tenant are all held for the same time: what is said of an order on one topic arrives in order.
type delivery func(service, topic, tenant string) []time.Duration

// pump is a network that misbehaves within what Kafka allows: it brings what the services publish under one prefix to
// where they hear it, under another for each service.
type pump struct {
	from, to string
	deliver  delivery
	client   *kgo.Client
	// hearers are the services that hear a topic.
	hearers map[string][]string

	mu sync.Mutex
	// taken counts the records that were read, copies what was made of them, underway those that have not arrived.
	taken, copies, underway int64
	// overtaken counts the copies that a service got after what was said later of the same order.
	overtaken int64
	latest    map[string]int64 // by service and order: the number of the latest that was delivered
	waiting   deliveries
	failed    error
	more      chan struct{} // holds a token when copies were added
}

func startPump(t *testing.T, config processes.Config, deliver delivery) *pump {
	t.Helper()
	p := &pump{
		from: config.PublishPrefix, to: config.HearPrefix, deliver: deliver, hearers: map[string][]string{},
		more: make(chan struct{}, 1), latest: map[string]int64{},
	}
	createTopics(t, config.KafkaBrokers, p.from, contracts.Topics())
	for _, service := range suite.ServiceNames() {
		for _, topic := range heardBy(service) {
			p.hearers[topic.Name] = append(p.hearers[topic.Name], service)
		}
		createTopics(t, config.KafkaBrokers, hearPrefix(config, service), heardBy(service))
	}
	var err error
	p.client, err = kgo.NewClient(
		kgo.SeedBrokers(config.KafkaBrokers...), kgo.ConsumeTopics(prefixed(p.from, contracts.Topics())...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(100*time.Millisecond), kgo.ProducerLinger(0),
		// The key's partition is that of the first prefix.
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		// A Kafka that is back is found at once: what it holds is a matter of deadlines.
		kgo.MetadataMinAge(250*time.Millisecond), kgo.RetryBackoffFn(func(int) time.Duration { return 250 * time.Millisecond }),
	)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { p.take(ctx) })
	running.Go(func() { p.send(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		p.client.Close()
		if p.failed != nil {
			t.Error(p.failed)
		}
	})
	return p
}

// createTopics creates topics, which takes a broker that is busy longer than a service waits for it at a time.
func createTopics(t *testing.T, brokers []string, prefix string, topics []contracts.Topic) {
	t.Helper()
	await(t, func(ctx context.Context) error { return messaging.CreateTopics(ctx, brokers, prefix, topics) })
}

// moved says how many records were taken, and whether all copies of them have arrived.
func (p *pump) moved() (taken int64, arrived bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken, p.underway == 0
}

// checkOvertaken checks, when nothing moves any more, that messages have come in other orders than they were said in.
func (p *pump) checkOvertaken(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	t.Logf("%d of %d copies of %d messages were overtaken by a later one of their order", p.overtaken, p.copies, p.taken)
	if p.overtaken == 0 {
		t.Error("no message was overtaken by another")
	}
}

// take reads what is said and schedules its copies.
func (p *pump) take(ctx context.Context) {
	for ctx.Err() == nil {
		fetched := p.client.PollFetches(ctx)
		fetched.EachError(func(topic string, _ int32, err error) {
			if ctx.Err() == nil {
				p.fail(fmt.Errorf("pump: read %s: %w", topic, err))
			}
		})
		now := time.Now()
		p.mu.Lock()
		fetched.EachRecord(func(r *kgo.Record) {
			topic := strings.TrimPrefix(r.Topic, p.from)
			p.taken++
			for _, service := range p.hearers[topic] {
				for _, hold := range p.deliver(service, topic, header(r, contracts.HeaderTenant)) {
					p.copies++
					p.underway++
					heap.Push(&p.waiting, scheduled{
						at: now.Add(hold), number: p.copies, about: service + " " + string(r.Key),
						record: &kgo.Record{
							Topic: p.to + service + "-" + topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers,
						},
					})
				}
			}
		})
		p.mu.Unlock()
		select {
		case p.more <- struct{}{}:
		default:
		}
	}
}

// send sends each copy when it is due.
func (p *pump) send(ctx context.Context) {
	for ctx.Err() == nil {
		due, pause := p.due(time.Now())
		for _, record := range due {
			p.client.Produce(ctx, record, func(_ *kgo.Record, err error) {
				if err != nil && ctx.Err() == nil {
					p.fail(fmt.Errorf("pump: write: %w", err))
				}
				p.mu.Lock()
				defer p.mu.Unlock()
				p.underway--
			})
		}
		select {
		case <-time.After(pause):
		case <-p.more:
		case <-ctx.Done():
		}
	}
}

// due takes the copies that are due from those that wait, and says when to ask again.
func (p *pump) due(now time.Time) (due []*kgo.Record, pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.waiting) > 0 {
		if pause = p.waiting[0].at.Sub(now); pause > 0 {
			return due, pause
		}
		next := heap.Pop(&p.waiting).(scheduled)
		due = append(due, next.record)
		if next.number < p.latest[next.about] {
			p.overtaken++
		}
		p.latest[next.about] = max(p.latest[next.about], next.number)
	}
	return due, time.Minute
}

func (p *pump) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = err
	}
}

// scheduled is a copy and when it is due. Copies that are due at the same time go in the order of their numbers.
type scheduled struct {
	at     time.Time
	number int64
	about  string // the service and the order
	record *kgo.Record
}

// deliveries is a heap, the copy that is due first on top.
type deliveries []scheduled

func (d deliveries) Len() int      { return len(d) }
func (d deliveries) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d deliveries) Less(i, j int) bool {
	if !d[i].at.Equal(d[j].at) {
		return d[i].at.Before(d[j].at)
	}
	return d[i].number < d[j].number
}
func (d *deliveries) Push(x any) { *d = append(*d, x.(scheduled)) }
func (d *deliveries) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

func header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}
