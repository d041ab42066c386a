package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// Sources are where a suite keeps what is audited.
type Sources struct {
	// Databases are logins that may read, by the services' names.
	Databases map[string]string
	// Brokers are Kafka's, and Prefix stands before the names of topics and groups.
	Brokers []string
	Prefix  string
	// Provider and Carrier are the URLs of the outside's books.
	Provider, Carrier string
}

// Options say how an audit is made.
type Options struct {
	Sources Sources
	// AtRest makes an order in flight a failure.
	AtRest bool
	// Folder is where temporary files are made; the system's own unless given.
	Folder string
	// Progress is told now and then what is being done, and nothing at the end; nil for nobody.
	Progress func(string)
}

// auditor is an audit under way.
type auditor struct {
	sources Sources
	// began is when the sources were opened, by the clock of orders' database.
	began time.Time
	// due is up to when deadlines have surely been judged.
	due      time.Time
	progress func(string)
	schemas  map[string]*schema
	kafka    *kafka
	spill    *spill

	mu     sync.Mutex
	report Report
	// parkedAt are the places in Kafka of what was parked, unread the records that are no messages.
	parkedAt map[partition]map[int64]bool
	unread   []record
	// from are the places in the logs that partitions begin with, where what stood before is gone.
	from map[partition]position
	// holds is what orders' reservations keep, by SKU and order.
	holds map[es.StreamID]map[string]int64
}

// record is a record's place in Kafka.
type record struct {
	partition
	offset int64
}

// position is a fact's place in a service's log.
type position struct {
	transaction uint64
	number      int64
}

func (p position) before(q position) bool {
	return p.transaction < q.transaction || p.transaction == q.transaction && p.number < q.number
}

// Run audits a suite. An error says that it could not.
func Run(ctx context.Context, o Options) (Report, error) {
	asked := time.Now()
	folder, err := os.MkdirTemp(o.Folder, "waybill-verify-")
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	a := &auditor{
		sources: o.Sources, progress: o.Progress, schemas: map[string]*schema{},
		parkedAt: map[partition]map[int64]bool{}, from: map[partition]position{}, holds: map[es.StreamID]map[string]int64{},
	}
	if a.progress == nil {
		a.progress = func(string) {}
	}
	if a.spill, err = newSpill(folder); err != nil {
		return Report{}, err
	}
	err = a.run(ctx)
	if err := errors.Join(err, a.spill.close()); err != nil {
		return Report{}, err
	}
	a.report.Began, a.report.Took = a.began.UTC(), time.Since(asked)
	a.report.finish(o.AtRest)
	return a.report, nil
}

func (a *auditor) run(ctx context.Context) error {
	defer func() {
		for _, s := range a.schemas {
			s.close(ctx)
		}
		if a.kafka != nil {
			a.kafka.close()
		}
	}()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := a.open(ctx); err != nil {
		return err
	}
	stopTelling := a.tell(ctx)
	defer stopTelling()
	if err := a.read(ctx); err != nil {
		return err
	}
	if err := a.findBeginnings(ctx); err != nil {
		return err
	}
	if err := a.judgeOrders(ctx); err != nil {
		return err
	}
	if err := a.judgeShelves(ctx, a.schemas[suite.Inventory]); err != nil {
		return err
	}
	if err := a.judgeReceipts(ctx, a.schemas[suite.Inventory]); err != nil {
		return err
	}
	a.judgeUnreadable()
	return nil
}

// open connects to everything and notes the moment of the audit; the order of the steps is that of the package's doc.
func (a *auditor) open(ctx context.Context) (err error) {
	for _, name := range suite.ServiceNames() {
		if a.sources.Databases[name] == "" {
			return fmt.Errorf("the login to the database of %s is not known", name)
		}
		if a.schemas[name], err = connect(ctx, name, a.sources.Databases[name]); err != nil {
			delete(a.schemas, name)
			return err
		}
	}
	if a.began, err = a.schemas[suite.Orders].now(ctx); err != nil {
		return err
	}
	if a.kafka, err = openKafka(a.sources.Brokers, a.sources.Prefix); err != nil {
		return err
	}
	if err := a.kafka.noteRead(ctx); err != nil {
		return err
	}
	for _, step := range []func(*schema) error{
		func(s *schema) error { return s.setMark(ctx) },
		func(s *schema) error { return s.begin(ctx) },
	} {
		for _, s := range a.schemas {
			if err := step(s); err != nil {
				return err
			}
		}
	}
	if err := a.kafka.noteEnds(ctx); err != nil {
		return err
	}
	return a.noteDue(ctx)
}

// read reads every source into the spill.
func (a *auditor) read(ctx context.Context) error {
	reading, ctx := errgroup.WithContext(ctx)
	for _, s := range a.schemas {
		reading.Go(func() error { return a.readSchema(ctx, s) })
	}
	for _, books := range []func(context.Context) error{a.readTopics, a.readCharges, a.readParcels} {
		reading.Go(func() error { return books(ctx) })
	}
	return reading.Wait()
}

// count counts one more.
func (a *auditor) count(of *int64) { atomic.AddInt64(of, 1) }

// tell tells the progress each second until it is stopped.
func (a *auditor) tell(ctx context.Context) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
				r := &a.report
				a.progress(fmt.Sprintf("%d facts, %d messages, %d payments and %d parcels read; %d orders judged",
					atomic.LoadInt64(&r.Facts), atomic.LoadInt64(&r.Messages), atomic.LoadInt64(&r.Charges),
					atomic.LoadInt64(&r.Parcels), atomic.LoadInt64(&r.Orders)))
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		a.progress("")
	}
}

// park notes a parked message.
func (a *auditor) park(m Parked, number int32, offset int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.report.park(m)
	if number < 0 || len(m.Topic) < len(a.kafka.prefix) {
		return
	}
	p := partition{m.Topic[len(a.kafka.prefix):], number}
	if a.parkedAt[p] == nil {
		a.parkedAt[p] = map[int64]bool{}
	}
	a.parkedAt[p][offset] = true
}

// unreadable notes a record that is no message.
func (a *auditor) unreadable(p partition, offset int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unread = append(a.unread, record{p, offset})
}

// judgeUnreadable finds the records that are nobody's message, and that nobody has parked though all have come past them.
func (a *auditor) judgeUnreadable() {
	for _, r := range a.unread {
		if r.offset < a.kafka.readByAll(r.partition) && !a.parkedAt[r.partition][r.offset] {
			a.report.find(audit.Finding{
				Statement: audit.AllSaid,
				Evidence:  fmt.Sprintf("the record %d of %s/%d is no message of ours, and nobody has parked it", r.offset, r.topic, r.number),
			})
		}
	}
}

// findBeginnings finds in the logs what each partition begins with that has lost what stood before.
func (a *auditor) findBeginnings(ctx context.Context) error {
	for p, begin := range a.kafka.begins {
		if begin == 0 {
			continue
		}
		for _, at := range a.kafka.first[p] {
			found, known, err := a.lookUp(ctx, at)
			if err != nil {
				return err
			}
			if known {
				a.from[p] = found
				break
			}
		}
	}
	return nil
}

func (a *auditor) lookUp(ctx context.Context, at place) (found position, known bool, err error) {
	service, category := serviceOf(at.source)
	s := a.schemas[service]
	if s == nil {
		return found, false, nil
	}
	stream := es.StreamID{Tenant: at.tenant, Category: category, ID: at.subject}
	err = s.tx.QueryRow(ctx, "SELECT transaction_id::text::bigint, position FROM events WHERE stream = $1 AND version = $2",
		stream.String(), at.version).Scan(&found.transaction, &found.number)
	if errors.Is(err, errNoRows) {
		return found, false, nil
	}
	return found, err == nil, err
}

// lost says whether a message that was due may have stood on Kafka and is no longer kept: before what its partition
// begins with, or, where a topic was made anew, before all that it holds, and somebody has heard it.
func (a *auditor) lost(m contracts.Message, p partition, at position, heard bool) bool {
	begin, there := a.kafka.begins[p]
	if there && begin > 0 {
		from, known := a.from[p]
		return !known || at.before(from)
	}
	began := a.kafka.began[p.topic]
	return heard && (began.IsZero() || m.Time.Before(began))
}
