package verify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/orders/order"
	"waybill.dev/simulators/carrier"
	"waybill.dev/simulators/provider"
)

// judges is how many files are judged at a time.
const judges = 2

// judgeOrders takes file after file, and judges the orders in it.
func (a *auditor) judgeOrders(ctx context.Context) error {
	judging, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range judges {
		judging.Go(func() error {
			j := &judge{auditor: a, categories: categories(), partitions: kgo.StickyKeyPartitioner(nil).ForTopic("")}
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= buckets {
					return nil
				}
				all, err := a.spill.bucket(i)
				if err != nil {
					return err
				}
				for len(all) > 0 {
					n := 1
					for n < len(all) && bytes.Equal(all[n].key, all[0].key) {
						n++
					}
					if err := j.order(string(all[0].key), all[:n]); err != nil {
						return err
					}
					all = all[n:]
				}
			}
			return context.Cause(ctx)
		})
	}
	return judging.Wait()
}

// judge judges one order after the other.
type judge struct {
	*auditor
	categories map[string]es.Erased
	partitions kgo.TopicPartitioner
}

// partitionOf is where a key's messages are, as all producers of ours choose it.
func (j *judge) partitionOf(key string) int32 {
	return int32(j.partitions.Partition(&kgo.Record{Key: []byte(key)}, contracts.Partitions))
}

// dossier is all that was read of an order.
type dossier struct {
	audit.Evidence
	// number is the partition of the order's messages in each topic.
	number   int32
	logged   []logged
	copies   []copied
	parked   []parked
	listed   []string // the services that list the order's stream
	findings []audit.Finding
	// news says that the order has changed while it was read: what is known of it is not of one moment.
	news string
}

// logged is where a fact stands in its log.
type logged struct {
	es.Recorded
	service string
	at      position
}

// copied is where a copy of a message stands in Kafka.
type copied struct {
	audit.Copy
	partition
	offset   int64
	wrongKey bool
	content  int64 // what contentOf makes of it
}

type parked struct{ service, message string }

// addParked adds a message that a service has parked, or that a person has given up: what is given up will not be heard.
func (d *dossier) addParked(p parked, open bool) {
	if open {
		d.parked = append(d.parked, p)
		return
	}
	d.GivenUp = append(d.GivenUp, audit.Unread{Service: p.service, ID: p.message, Why: "it was given up"})
}

func (j *judge) order(key string, entries []entry) error {
	d, err := j.assemble(key, entries)
	if err != nil {
		return fmt.Errorf("order %s: %w", key, err)
	}
	d.number = j.partitionOf(d.Order)
	d.sortFacts()
	d.sortCopies(j.auditor)
	d.findUnread(j.auditor)
	unproven := 0
	d.Forgotten = func(m contracts.Message) bool {
		lost := j.lost(m, partition{m.Data.Type().Topic(), d.number}, d.placeOf(m.ID), d.wasHeard(m))
		if lost {
			unproven++
		}
		return lost
	}
	verdict := d.Judge()
	d.checkContents(j.auditor, verdict.Due)
	d.checkEffects(verdict.Due)
	d.checkListed()
	j.conclude(d, verdict, unproven)
	return nil
}

// assemble reads an order's entries.
func (j *judge) assemble(key string, entries []entry) (*dossier, error) {
	d := &dossier{}
	d.Tenant, d.Order, _ = strings.Cut(key, "/")
	d.At, d.Rows = j.due, &audit.Rows{}
	for _, e := range entries {
		u := unpacker(e.data)
		var err error
		switch e.kind {
		case aFact:
			err = j.addFact(d, &u)
		case aCopy:
			j.addCopy(d, &u)
		case aCharge:
			err = d.addCharge(e.data, j.auditor)
		case aParcel:
			err = d.addParcel(e.data, j.auditor)
		case anOrderRow:
			d.Rows.Order = orderRow(&u)
		case anOpenParcel:
			d.Rows.OpenParcel = u.text()
		case anUnsent:
			d.Unsent = append(d.Unsent, u.text())
		case aStream:
			d.listed = append(d.listed, suite.ServiceNames()[u.number()])
		case aJob:
			if job := decodeJob(u.text(), u.bytes()); job != nil {
				d.Jobs = append(d.Jobs, job)
			}
		case aParked:
			d.addParked(parked{u.text(), u.text()}, u.flag())
		}
		if err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (j *judge) addFact(d *dossier, u *unpacker) error {
	service := suite.ServiceNames()[u.number()]
	l := logged{service: service}
	l.Stream = es.StreamID{Tenant: d.Tenant, Category: u.text(), ID: d.Order}
	l.Version = u.number()
	id, err := uuid.FromBytes(u.bytes())
	if err != nil {
		return err
	}
	l.ID = id.String()
	kind, data := u.text(), u.bytes()
	l.At = micros(u.number())
	l.CausationID = u.text()
	l.at = position{uint64(u.number()), u.number()}
	if !j.schemas[service].mark.over(l.at.transaction) {
		d.news = "facts are being written"
	}
	c := j.categories[service]
	if c.CategoryName() != l.Stream.Category {
		d.find("%s has a stream %q, which it does not know", service, l.Stream)
		return nil
	}
	if l.Event, err = c.Decode(kind, data); err != nil {
		d.find("fact %s of %s cannot be read: %v", l.ID, service, err)
		return nil
	}
	d.logged = append(d.logged, l)
	return nil
}

func (j *judge) addCopy(d *dossier, u *unpacker) {
	c := copied{partition: partition{topic: j.kafka.topics[u.number()]}}
	c.Topic = c.topic
	c.number = int32(u.number())
	c.offset = u.number()
	c.ID, c.Source = u.text(), u.text()
	c.Sequence = u.number()
	c.Later, c.wrongKey = u.flag(), u.flag()
	c.content = u.number()
	d.copies = append(d.copies, c)
}

func (d *dossier) addCharge(data []byte, a *auditor) error {
	var charge provider.Payment
	if err := json.Unmarshal(data, &charge); err != nil {
		return err
	}
	for _, o := range charge.Operations {
		if o.At.After(a.began) {
			d.news = "the provider is at work"
		}
	}
	d.Charges = append(d.Charges, charge)
	return nil
}

func (d *dossier) addParcel(data []byte, a *auditor) error {
	var parcel carrier.Booking
	if err := json.Unmarshal(data, &parcel); err != nil {
		return err
	}
	if parcel.BookedAt.After(a.began) {
		d.news = "the carrier is at work"
	}
	for _, t := range []*time.Time{parcel.PickedUpAt, parcel.DeliveredAt, parcel.CancelledAt} {
		if t != nil && t.After(a.began) {
			d.news = "the carrier is at work"
		}
	}
	d.Parcels = append(d.Parcels, parcel)
	return nil
}

func orderRow(u *unpacker) *audit.OrderRow {
	row := &audit.OrderRow{CustomerID: u.text(), Status: order.Status(u.text()), Attention: u.text()}
	row.Total = order.Money{Amount: u.number(), Currency: u.text()}
	row.PlacedAt = micros(u.number())
	row.UpdatedAt = micros(u.number())
	step, due := u.text(), u.number()
	if due != noTime {
		row.Expects = &order.Expectation{Step: order.Step(step), Due: micros(due)}
	}
	return row
}

// find notes what is wrong with what was said of the order, or with what came of it.
func (d *dossier) find(format string, args ...any) { d.findOf(audit.AllSaid, format, args...) }

func (d *dossier) findOf(s audit.Statement, format string, args ...any) {
	d.findings = append(d.findings, audit.Finding{Statement: s, Tenant: d.Tenant, Subject: d.Order, Evidence: fmt.Sprintf(format, args...)})
}

// sortFacts puts the facts into their streams, by version, and looks whether the log has them in this order.
func (d *dossier) sortFacts() {
	slices.SortFunc(d.logged, func(a, b logged) int { return int(a.Version - b.Version) })
	last := map[string]logged{}
	streams := map[string]*[]es.Recorded{
		suite.Orders: &d.Orders, suite.Payments: &d.Payment, suite.Inventory: &d.Reservation,
		suite.Shipping: &d.Shipment, suite.Notifications: &d.Mails,
	}
	for _, l := range d.logged {
		if before, ok := last[l.service]; ok && !before.at.before(l.at) {
			d.find("in the log of %s version %d stands before version %d", l.service, l.Version, before.Version)
		}
		last[l.service] = l
		*streams[l.service] = append(*streams[l.service], l.Recorded)
	}
}

// sortCopies finds the first copies of the messages, each topic's in the order of its partition.
func (d *dossier) sortCopies(a *auditor) {
	slices.SortFunc(d.copies, func(a, b copied) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.number, b.number), cmp.Compare(a.offset, b.offset))
	})
	seen := map[string]copied{}
	first := d.copies[:0]
	var again []audit.Copy
	for _, c := range d.copies {
		if c.wrongKey || c.number != d.number {
			d.find("%s is not keyed by its order on %s", c.ID, c.topic)
		}
		if before, again := seen[c.ID+c.topic]; again {
			if c.content != before.content {
				d.find("%s is on %s again, and says something else", c.ID, c.topic)
			}
			continue
		}
		seen[c.ID+c.topic] = c
		first = append(first, c)
		if from, cut := a.from[c.partition]; cut && d.placeOf(c.ID).before(from) {
			again = append(again, c.Copy) // its first copy stood before all that is kept
			continue
		}
		d.Said = append(d.Said, c.Copy)
	}
	slices.SortFunc(again, func(a, b audit.Copy) int { return cmp.Compare(a.Sequence, b.Sequence) })
	d.Said = append(again, d.Said...)
	d.copies = first
}
