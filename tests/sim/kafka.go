package sim

import (
	"slices"
	"time"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/contracts"
)

// channel is what one service reads of one topic under one key. Its order is all that Kafka keeps.
type channel struct {
	messages []sent
	read     int
	// heard is how far it was ever read.
	heard int
	// reading says that the next message is on its way to the service.
	reading bool
}

// sent is a message on Kafka, and since when.
type sent struct {
	contracts.Message
	at time.Duration
}

// say sends a message from a service's outbox: behind all that the service has said of the order before, and once or,
// where the relay has crashed behind the sending, twice.
func (w *world) say(from *service, m contracts.Message) {
	o := w.purchaseOf(m.Tenant, m.Subject)
	if o == nil {
		w.wrong(audit.AllSaid, m.Tenant, m.Subject, "%s was said of an order that nobody has placed", m.Data.Type())
		return
	}
	topic := w.topic[m.Data.Type()]
	o.said = append(o.said, audit.Copy{ID: m.ID, Topic: m.Data.Type().Topic(), Source: m.Source, Sequence: m.Sequence})
	copies := 1 + w.tape.pick(w.climate.relayed)
	for i := range copies {
		at := max(o.sent[from.index], w.now+w.delay(w.climate.relay))
		o.sent[from.index] = at
		if i > 0 {
			w.faults.count(relayedTwice)
		}
		for _, s := range w.parts {
			if !s.hears[topic] {
				continue
			}
			c := &o.channels[s.index][topic]
			c.messages = append(c.messages, sent{m, at})
			w.readOn(s, o, topic)
		}
	}
}

// readOn brings the service the next message of a channel.
func (w *world) readOn(s *service, o *purchase, topic int) {
	c := &o.channels[s.index][topic]
	if c.reading || c.read == len(c.messages) {
		return
	}
	c.reading = true
	at := max(w.now, c.messages[c.read].at) + w.delay(w.climate.hear)
	w.at(at, s, func() { w.deliver(s, o, topic) })
}

// What may become of a delivery.
const (
	delivered = iota
	redeliveredSoon
	redeliveredLate
	crashBefore
	crashBehind
	deliveries
)

// deliver hands the next message of a channel to its service.
func (w *world) deliver(s *service, o *purchase, topic int) {
	c := &o.channels[s.index][topic]
	c.reading = false
	if c.read == len(c.messages) {
		return
	}
	fate := w.tape.pick(w.climate.delivery)
	if fate == crashBefore {
		w.faults.count(crashBeforeCommit)
		s.crash()
		w.readOn(s, o, topic)
		return
	}
	w.hear(s, o, c.messages[c.read].Message)
	c.read++
	c.heard = max(c.heard, c.read)
	switch fate {
	case redeliveredSoon:
		w.faults.count(messageAgain)
		w.rewind(s, o, topic, c.read-1, w.delay(w.climate.hear))
	case redeliveredLate:
		w.faults.count(messageAgainLate)
		w.rewind(s, o, topic, w.tape.number(c.read), w.delay(w.paces[3])+w.delay(w.paces[2]))
	case crashBehind:
		w.faults.count(crashAfterCommit)
		s.crash()
		w.rewind(s, o, topic, c.read-1, 0)
	}
	w.readOn(s, o, topic)
}

// rewind lets the service read from an earlier place again: its place was not kept.
func (w *world) rewind(s *service, o *purchase, topic, to int, after time.Duration) {
	w.at(w.now+after, s, func() {
		c := &o.channels[s.index][topic]
		if c.read > to {
			// What is read again has come over the wire again.
			for i := to; i < c.read; i++ {
				w.overTheWire(&c.messages[i].Message)
			}
			c.read = to
		}
		w.readOn(s, o, topic)
	})
}

// overTheWire replaces a message by what is read of it from Kafka.
func (w *world) overTheWire(m *contracts.Message) {
	record, err := m.Encode()
	if err == nil {
		*m, err = contracts.Decode(record.Headers, record.Value)
	}
	if err != nil {
		w.wrong(audit.AllSaid, m.Tenant, m.Subject, "%s does not survive its way over Kafka: %v", m.ID, err)
	}
}

// hear lets the service react.
func (w *world) hear(s *service, o *purchase, m contracts.Message) {
	stimulus := name(m.Data.Type())
	w.seen.count(s.name, stimulus, s.classOf(o))
	d, err := s.run(s.react(m, w.clock()), m.ID)
	if err != nil {
		w.wrong(audit.AllSaid, o.tenant.name, o.id, "%s cannot take %s: %v", s.name, stimulus, err)
		return
	}
	if w.history != nil {
		w.note("%s hears %s of %s: %s", s.name, stimulus, o, kinds(d.Facts))
	}
}

// String is how people call the order.
func (o *purchase) String() string { return o.tenant.name + "/" + o.id }

// allRead says that a service has read all that was on Kafka of the order by then.
func (o *purchase) allRead(s *service, by time.Duration) bool {
	return !slices.ContainsFunc(o.channels[s.index], func(c channel) bool { return c.holds(c.read, by) })
}

// allHeard says that it has read all of it once at least, though it may read some of it again.
func (o *purchase) allHeard(s *service, by time.Duration) bool {
	return !slices.ContainsFunc(o.channels[s.index], func(c channel) bool { return c.holds(c.heard, by) })
}

// holds says whether it held more than so many messages by then.
func (c channel) holds(n int, by time.Duration) bool {
	return n < len(c.messages) && c.messages[n].at <= by
}
