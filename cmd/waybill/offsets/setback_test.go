package offsets_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/contracts"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"

	"waybill.dev/cmd/waybill/offsets"
)

func TestMain(m *testing.M) {
	os.Exit(pgtest.Run(func() int { return kafkatest.Run(m.Run) }))
}

const (
	service = "shipping"
	topic   = "topic"
)

// ground is a service's database and a topic that its group may have read.
type ground struct {
	prefix string
	pool   *pgxpool.Pool
	client *kgo.Client
	admin  *kadm.Client
}

func newGround(t *testing.T, partitions int32) *ground {
	t.Helper()
	pool, err := postgres.Open(t.Context(), pgtest.Service(t, service, nil).OwnerURL, postgres.Options{Service: service})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	g := &ground{prefix: strings.ToLower(rand.Text()[:8]) + ".", pool: pool}
	g.client, err = kgo.NewClient(kgo.SeedBrokers(kafkatest.Brokers(t)...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.client.Close)
	g.admin = kadm.NewClient(g.client)
	if _, err := g.admin.CreateTopic(t.Context(), partitions, 1, nil, g.prefix+topic); err != nil {
		t.Fatal(err)
	}
	return g
}

// message is one for a partition; without an id it cannot be read.
func (g *ground) message(partition int, id string, at time.Time) *kgo.Record {
	r := &kgo.Record{Topic: g.prefix + topic, Partition: int32(partition), Timestamp: at}
	if id != "" {
		r.Headers = []kgo.RecordHeader{{Key: contracts.HeaderID, Value: []byte(id)}}
	}
	return r
}

func (g *ground) say(t *testing.T, messages ...*kgo.Record) {
	t.Helper()
	if err := g.client.ProduceSync(t.Context(), messages...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// commit lets the group have read so far.
func (g *ground) commit(t *testing.T, read map[int32]int64) {
	t.Helper()
	committed := kadm.Offsets{}
	for partition, at := range read {
		committed.AddOffset(g.prefix+topic, partition, at, -1)
	}
	if err := g.admin.CommitAllOffsets(t.Context(), offsets.Group(g.prefix, service), committed); err != nil {
		t.Fatal(err)
	}
}

func (g *ground) committed(t *testing.T) map[int32]int64 {
	t.Helper()
	committed, err := offsets.Committed(t.Context(), g.admin, offsets.Group(g.prefix, service))
	if err != nil {
		t.Fatal(err)
	}
	at := map[int32]int64{}
	for partition, o := range committed[g.prefix+topic] {
		at[partition] = o.At
	}
	return at
}

func (g *ground) setBack(ctx context.Context) (missed int64, err error) {
	err = pgx.BeginFunc(ctx, g.pool, func(tx pgx.Tx) (err error) {
		missed, err = offsets.SetBack(ctx, tx, g.client, g.prefix, service)
		return err
	})
	return missed, err
}

// Each letter is a message that the group's partition has, in its order: k one that the inbox knows, p one that is parked
// at its place, x one that nobody can read, u and the others ones that are not known.
func TestSetBackToWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	swept := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	cases := []struct {
		name, messages string
		// old is how many of them came before the inbox was swept last, read how many the group has read.
		old, read  int
		want, lost int64
	}{
		{name: "nothing was said", read: -1, want: -1},
		{name: "all is known", messages: "kkk", read: 3, want: 3},
		{name: "the end is not known", messages: "kkuuu", read: 5, want: 2, lost: 3},
		{name: "nothing is known", messages: "uu", read: 2, want: 0, lost: 2},
		{name: "what is known comes again behind", messages: "kukk", read: 4, want: 1, lost: 1},
		{name: "what is parked is known", messages: "kppk", read: 4, want: 4},
		{name: "an unreadable one that was not parked", messages: "kxk", read: 3, want: 1, lost: 1},
		{name: "hostile ids", messages: "k0f", read: 3, want: 1, lost: 2},
		{name: "what is still to be read", messages: "kkuu", read: 2, want: 2},
		{name: "never read", messages: "uu", read: -1, want: -1},
		{name: "swept", messages: "uuukk", old: 3, read: 5, want: 5},
		{name: "swept, and not known", messages: "uukuu", old: 2, read: 5, want: 3, lost: 2},
		{name: "all of it is old", messages: "uuu", old: 3, read: 3, want: 3},
		{name: "committed behind the end", messages: "ku", read: 9, want: 1, lost: 1},
		{name: "more than is looked for at once", messages: strings.Repeat("k", 1500) + strings.Repeat("u", 1500), read: 3000, want: 1500, lost: 1500},
	}
	g := newGround(t, int32(len(cases)))
	read, lost := map[int32]int64{}, int64(0)
	var messages []*kgo.Record
	var known []string
	for p, c := range cases {
		for i, kind := range c.messages {
			id, at := fmt.Sprintf("%d-%d", p, i), swept.Add(time.Duration(i)*time.Millisecond)
			if i < c.old {
				at = swept.Add(time.Duration(i-c.old) * time.Millisecond)
			}
			switch kind {
			case 'k':
				known = append(known, id)
			case 'p':
				g.park(t, p, i)
			case 'x':
				id = ""
			case '0':
				id = "a\x00b"
			case 'f':
				id = "\xff"
			}
			messages = append(messages, g.message(p, id, at))
		}
		if c.read >= 0 {
			read[int32(p)] = int64(c.read)
		}
		lost += c.lost
	}
	g.say(t, messages...)
	g.execute(t, "INSERT INTO inbox SELECT unnest($1::text[])", known)
	g.execute(t, "INSERT INTO inbox_swept VALUES ($1, $2)", topic, swept)
	g.commit(t, read)
	for run := range 2 {
		missed, err := g.setBack(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if missed != lost {
			t.Errorf("run %d: %d messages would have been missed, want %d", run, missed, lost)
		}
		lost = 0
		got := g.committed(t)
		for p, c := range cases {
			if at, ok := got[int32(p)]; ok != (c.want >= 0) || ok && at != c.want {
				t.Errorf("run %d, %s: it is at %d, want %d", run, c.name, at, c.want)
			}
		}
	}
}

func (g *ground) execute(t *testing.T, sql string, arguments ...any) {
	t.Helper()
	if _, err := g.pool.Exec(t.Context(), sql, arguments...); err != nil {
		t.Fatal(err)
	}
}

func (g *ground) park(t *testing.T, partition, offset int) {
	t.Helper()
	if err := messaging.Park(t.Context(), g.pool, messaging.Parking{
		Topic: g.prefix + topic, Place: &messaging.Place{Partition: int32(partition), Offset: int64(offset)}, Reason: "test",
	}); err != nil {
		t.Fatal(err)
	}
}

// A topic that was never swept is looked at from its beginning, and one that is gone not at all.
func TestSetBackBeforeAnySweep(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	if missed, err := g.setBack(t.Context()); missed != 0 || err != nil {
		t.Errorf("of a group that has never been: %d, %v", missed, err)
	}
	g.execute(t, "INSERT INTO inbox_swept VALUES ($1, '-infinity'), ('another', now())", topic)
	g.say(t, g.message(0, "m", time.Unix(1, 0)))
	g.commit(t, map[int32]int64{0: 1})
	if missed, err := g.setBack(t.Context()); missed != 1 || err != nil {
		t.Errorf("%d messages would have been missed (%v), want 1", missed, err)
	}
	g.commit(t, map[int32]int64{0: 1})
	if deleted, err := g.admin.DeleteTopics(t.Context(), g.prefix+topic); err != nil || deleted.Error() != nil {
		t.Fatal(err, deleted.Error())
	}
	for gone := false; !gone; { // it is deleted some time after Kafka has said so
		begins, err := g.admin.ListStartOffsets(t.Context(), g.prefix+topic)
		if err != nil {
			t.Fatal(err)
		}
		gone = errors.Is(begins.Error(), kerr.UnknownTopicOrPartition)
	}
	if missed, err := g.setBack(t.Context()); missed != 0 || err != nil {
		t.Errorf("of a topic that is gone: %d, %v", missed, err)
	}
}

// Somebody who is in the group would commit over it.
func TestSetBackIsForServicesAtRest(t *testing.T) {
	t.Parallel()
	g := newGround(t, 1)
	g.say(t, g.message(0, "m", time.Now()))
	member, err := kgo.NewClient(kgo.SeedBrokers(kafkatest.Brokers(t)...), kgo.ConsumerGroup(offsets.Group(g.prefix, service)),
		kgo.ConsumeTopics(g.prefix+topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	fetched := member.PollFetches(t.Context())
	if err := fetched.Err(); err != nil {
		t.Fatal(err)
	}
	if err := member.CommitRecords(t.Context(), fetched.Records()...); err != nil {
		t.Fatal(err)
	}
	if _, err := g.setBack(t.Context()); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("while somebody is in the group: %v", err)
	}
	if diff := cmp.Diff(map[int32]int64{0: 1}, g.committed(t)); diff != "" {
		t.Errorf("offsets (-want +got):\n%s", diff)
	}
	if err := member.LeaveGroupContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if missed, err := g.setBack(t.Context()); missed != 1 || err != nil {
		t.Errorf("after everybody has left: %d, %v", missed, err)
	}
}
