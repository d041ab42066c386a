package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/contracts"
	"waybill.dev/platform/es"
)

// world is one run: five services, Kafka between them, and all that is outside.
type world struct {
	*Simulation
	tape    *tape
	climate climate
	agenda  agenda
	now     time.Duration // since the beginning
	steps   int

	parts     []*service
	purchases []*purchase
	byName    map[es.StreamID]*purchase // by tenant and id
	skus      map[es.StreamID]bool
	provider  *charges
	carrier   *parcels

	findings []audit.Finding
	seen     *Coverage
	faults   Faults
	// history is what happened, for people; nil where nobody will read it.
	history *history
}

// purchase is an order and all that belongs to it outside of the services.
type purchase struct {
	tenant tenant
	id     string
	script script
	// sent is when the latest message of each service was sent: an outbox keeps the order.
	sent [servicesCount]time.Duration
	said []audit.Copy
	// channels are, by service and topic, what the service is to read.
	channels [servicesCount][]channel
	// watch is the deadline that is being waited for.
	watch time.Duration
	row   *audit.OrderRow
	open  string
	// worries counts how often an operator was called.
	worries int
	// late are answers that are still on their way.
	late []func()
	// jobs are all that were enqueued for it.
	jobs      []*job
	attention string
}

// epoch is when every run begins.
func epoch() time.Time { return time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC) }

func (w *world) clock() time.Time { return epoch().Add(w.now) }

func newWorld(s *Simulation, t *tape, seen *Coverage) *world {
	w := &world{
		Simulation: s, tape: t, byName: map[es.StreamID]*purchase{}, skus: map[es.StreamID]bool{}, seen: seen,
		provider: newCharges(), carrier: newParcels(),
	}
	for i, p := range s.services {
		w.parts = append(w.parts, newService(w, i, p))
	}
	if t.random != nil {
		w.climate = s.climate(t.random)
	} else {
		w.climate = s.unweighted()
	}
	return w
}

// after plans something.
func (w *world) after(d time.Duration, happen func()) { w.agenda.add(w.now+d, w.tape.current, happen) }

// at plans something a service does: while it is away, it waits until the service is back.
func (w *world) at(when time.Duration, s *service, happen func()) {
	w.agenda.add(when, w.tape.current, func() {
		if w.now < s.away {
			w.at(s.away, s, happen)
			return
		}
		happen()
	})
}

// play runs until nothing moves any more. Behind so many steps faults stop; behind as many more it never ends. Of
// 60,000 runs none has taken more than 204 steps an order, counting one for the warehouses, and half of them 27.
func (w *world) play() {
	w.open()
	calm := 300 * (1 + len(w.purchases))
	busy := make([]int, 1+len(w.purchases)) // steps by strand
	for {
		next, ok := w.agenda.take()
		if !ok {
			return
		}
		if w.steps++; w.steps > calm {
			w.tape.calm = true
		}
		busy[next.strand]++
		if w.steps > 2*calm {
			w.neverAtRest(busy)
			return
		}
		w.now, w.tape.current = next.at, next.strand
		next.happen()
		if len(w.findings) > 0 {
			return
		}
	}
}

// neverAtRest finds that there is still something to do, and names the order that has kept everybody busy.
func (w *world) neverAtRest(busy []int) {
	var tenant, order string
	if most := slices.Index(busy, slices.Max(busy)); most > 0 {
		o := w.purchases[most-1]
		tenant, order = o.tenant.name, o.id
	}
	w.wrong(audit.OneEnd, tenant, order, "never at rest: after %d steps there is still something to do", w.steps)
}

// wrong notes something that no statement over an order says, and that must not be.
func (w *world) wrong(s audit.Statement, tenant, subject, format string, args ...any) {
	w.findings = append(w.findings, audit.Finding{Statement: s, Tenant: tenant, Subject: subject, Evidence: fmt.Sprintf(format, args...)})
}

// note adds to the history.
func (w *world) note(format string, args ...any) {
	if w.history == nil {
		return
	}
	*w.history = append(*w.history, happening{w.now, fmt.Sprintf(format, args...)})
}

// purchaseOf is the order that a stream or message names.
func (w *world) purchaseOf(tenant, id string) *purchase {
	return w.byName[es.StreamID{Tenant: tenant, ID: id}]
}

// name is a message's type without what all have in common.
func name(t contracts.Type) string {
	topic := t.Topic()
	return topic[strings.LastIndexByte(topic, '.')+1:]
}

// kinds are facts in a line.
func kinds(facts []es.Fact) string {
	if len(facts) == 0 {
		return "nothing"
	}
	list := make([]string, len(facts))
	for i, f := range facts {
		list[i] = f.Event.Kind()
	}
	return strings.Join(list, ", ")
}
