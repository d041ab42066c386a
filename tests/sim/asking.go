package sim

import (
	"waybill.dev/platform/es"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
	"waybill.dev/simulators/carrier"
)

// enqueue makes a job of what a decision asks for: as ask.go of payments and shipping, and send.go of notifications.
func (w *world) enqueue(s *service, o *purchase, args es.Job) {
	j := w.jobOf(s, o, args)
	if j == nil {
		return
	}
	j.args = args
	o.jobs = append(o.jobs, j)
	w.begin(j)
}

func (w *world) jobOf(s *service, o *purchase, j es.Job) *job {
	switch j := j.(type) {
	case payment.Ask:
		return w.askProvider(s, o, j)
	case shipment.BookJob:
		return w.askCarrier(s, o, j.Job, j.Attempt(), func(shipment.Shipment) (told, bool) {
			said, made := w.carrier.book(j.Key, o.String(), o.script, w.clock())
			if made != nil {
				w.carry(o, made)
			}
			return said, true
		})
	case shipment.CancelJob:
		return w.askCarrier(s, o, j.Job, j.Attempt(), func(known shipment.Shipment) (told, bool) {
			return w.carrier.cancel(j.Key, known.Booking.ID)
		})
	case mail.Send:
		return w.sendMail(s, o, j)
	}
	return nil
}

func (w *world) askProvider(s *service, o *purchase, j payment.Ask) *job {
	id := payment.Category.Stream(o.tenant.name, o.id)
	var p payment.Payment
	return &job{
		service: s, order: o, label: j.Key,
		awaited: func() bool {
			if err := s.load([]es.StreamID{id}); err != nil {
				return true
			}
			p = payment.Category.State(s.states, id)
			a, pending := p.Pending()
			return pending && a.Key == j.Key
		},
		ask: func() answer {
			outcome, err := w.provider.do(request{
				operation: j.Operation, key: j.Key, reference: o.String(), payment: p.Provider, amount: p.Amount,
			}, o.script, w.clock())
			if err != nil {
				return answer{wrong: err.Error()}
			}
			said := answer{what: string(j.Operation) + " done"}
			switch outcome.Code {
			case "":
			case payment.HoldExpired:
				w.faults.count(holdExpired)
				said.what = string(j.Operation) + " expired"
			default:
				w.faults.count(outsideRefused)
				said.what = string(j.Operation) + " refused"
			}
			said.record = func() es.Command { return payment.Settle(id, outcome, w.clock()) }
			return said
		},
	}
}

func (w *world) askCarrier(s *service, o *purchase, j shipment.Job, a shipment.Attempt, call func(shipment.Shipment) (told, bool)) *job {
	id := shipment.Category.Stream(o.tenant.name, o.id)
	var known shipment.Shipment
	return &job{
		service: s, order: o, label: j.Key,
		awaited: func() bool {
			if err := s.load([]es.StreamID{id}); err != nil {
				return true
			}
			known = shipment.Category.State(s.states, id)
			return known.IsAsking(a)
		},
		ask: func() answer {
			said, ok := call(known)
			switch {
			case !ok:
				return answer{wrong: "the carrier knows no such booking"}
			case said.code == "":
				return answer{what: string(said.report.State), record: func() es.Command {
					return shipment.Take(id.Tenant, id.ID, said.report)
				}}
			}
			w.faults.count(outsideRefused)
			refuse := shipment.RefuseBooking
			if a.Operation == shipment.Cancel {
				refuse = shipment.RefuseCancel
			}
			return answer{what: string(a.Operation) + " refused", record: func() es.Command {
				return refuse(id.Tenant, id.ID, j.Number, said.code)
			}}
		},
	}
}

func (w *world) sendMail(s *service, o *purchase, j mail.Send) *job {
	id := mail.Streams.Stream(o.tenant.name, o.id)
	return &job{
		service: s, order: o, label: "mail " + string(j.Mail),
		awaited: func() bool {
			if err := s.load([]es.StreamID{id}); err != nil {
				return true
			}
			m, owed := mail.Streams.State(s.states, id).Find(j.Mail)
			return owed && m.Status == mail.Sending
		},
		ask: func() answer {
			code, what := 0, "mail taken"
			if o.script.mailRefused {
				w.faults.count(outsideRefused)
				code, what = 550, "mail refused"
			}
			return answer{what: what, record: func() es.Command { return mail.Settle(id, j.Mail, code) }}
		},
	}
}

// What may become of the carrier's telling.
const (
	toldAtOnce = iota
	toldTwice
	toldLate
	notTold
	tellings
)

// carry moves a booked parcel, when the carrier likes.
func (w *world) carry(o *purchase, p *parcel) {
	if p.script.forgotten {
		return
	}
	w.after(w.delay(w.climate.carrier), func() {
		if !p.move(carrier.PickedUp, w.clock()) {
			return
		}
		w.note("the carrier picks up the parcel of %s", o)
		w.tell(o, p)
		w.after(w.delay(w.climate.carrier), func() {
			p.move(carrier.Delivered, w.clock())
			w.note("the carrier delivers the parcel of %s", o)
			w.tell(o, p)
		})
	})
}

// tell tells of a parcel by webhook; what is not told in time a poll finds.
func (w *world) tell(o *purchase, p *parcel) {
	said := p.notice()
	webhook := func(pace odds) {
		w.at(w.now+w.delay(pace), w.parts[shippingPart], func() { w.take(o, said, "webhook") })
	}
	switch w.tape.pick(w.climate.telling) {
	case toldTwice:
		w.faults.count(webhookTwice)
		webhook(w.climate.hear)
		webhook(w.climate.answer)
	case toldLate:
		w.faults.count(webhookLate)
		webhook(w.paces[3])
		w.poll(o, p)
	case notTold:
		w.faults.count(webhookLost)
		w.poll(o, p)
	default:
		webhook(w.climate.hear)
	}
}

// poll looks the parcel up once it is in the table of open parcels; the answer may be taken late.
func (w *world) poll(o *purchase, p *parcel) {
	s := w.parts[shippingPart]
	w.at(w.now+rescueAfter+w.delay(w.climate.work), s, func() {
		known := w.shipment(o)
		switch {
		case known.IsOpen():
			said := p.report()
			w.at(w.now+w.delay(w.climate.work), s, func() { w.take(o, said, "poll") })
		case known.IsAsking(shipment.Attempt{Operation: shipment.Book}):
			w.poll(o, p)
		}
	})
}

func (w *world) take(o *purchase, said shipment.Report, from string) {
	w.do(w.parts[shippingPart], o, string(said.State), shipment.Take(o.tenant.name, o.id, said), from)
}

func (w *world) shipment(o *purchase) shipment.Shipment {
	s, id := w.parts[shippingPart], shipment.Category.Stream(o.tenant.name, o.id)
	if err := s.load([]es.StreamID{id}); err != nil {
		return shipment.Shipment{}
	}
	return shipment.Category.State(s.states, id)
}
