package carrier

import (
	"encoding/json"
	"fmt"
	"time"

	"waybill.dev/simulators/internal/books"
	"waybill.dev/simulators/internal/journal"
)

// recordKind says what a line of the journal is about. The values are stored: they must not change.
type recordKind string

const (
	parcelBooked    recordKind = "booked"
	bookingRefused  recordKind = "refused"
	cancelAnswered  recordKind = "cancel" // cancelled, or refused with record.Code
	requestFailed   recordKind = "failed" // a request was answered by a 500, and nothing was done
	parcelPickedUp  recordKind = "picked_up"
	parcelDelivered recordKind = "delivered"
	webhookTaken    recordKind = "told" // of record.Status
	refusalLifted   recordKind = "allowed"
)

// record is a line of the journal. All that the register knows follows from the records.
type record struct {
	Kind           recordKind `json:"kind"`
	At             time.Time  `json:"at"`
	Key            string     `json:"key,omitempty"`
	Fingerprint    string     `json:"fingerprint,omitempty"`
	Booking        string     `json:"booking,omitempty"`
	Code           string     `json:"code,omitempty"`
	Status         Status     `json:"status,omitempty"`
	Reference      string     `json:"reference,omitempty"`
	TrackingNumber string     `json:"trackingNumber,omitempty"`
	Script         string     `json:"script,omitempty"` // the postal code where it means something
	Tell           bool       `json:"tell,omitempty"`   // a pick-up or delivery that a webhook is due for
}

// booking is what the register knows of a parcel.
type booking struct {
	id, reference, trackingNumber, script        string
	bookedAt, pickedUpAt, deliveredAt, cancelled time.Time
	allowed                                      bool
}

func (b *booking) status() Status {
	switch {
	case !b.cancelled.IsZero():
		return Cancelled
	case !b.deliveredAt.IsZero():
		return Delivered
	case !b.pickedUpAt.IsZero():
		return PickedUp
	default:
		return Booked
	}
}

// view returns the booking as it was when its status was the one given.
func (b *booking) view(status Status) Booking {
	view := Booking{
		ID: b.id, Reference: b.reference, Status: status, Carrier: Name,
		TrackingNumber: b.trackingNumber, BookedAt: b.bookedAt,
	}
	at := func(moment time.Time) *time.Time { return &moment }
	switch status {
	case Cancelled:
		view.CancelledAt = at(b.cancelled)
	case PickedUp:
		view.PickedUpAt = at(b.pickedUpAt)
	case Delivered:
		view.PickedUpAt, view.DeliveredAt = at(b.pickedUpAt), at(b.deliveredAt)
	case Booked:
	}
	return view
}

// answer is an answer that was given, or would have been.
type answer struct {
	fingerprint string
	booking     *booking // nil when a booking was refused
	cancel      bool     // whether a cancellation was asked for, else a booking
	code        string   // of the refusal; empty when it was done
	status      Status   // of the booking when it was given
}

// notice is a webhook that is due.
type notice struct {
	booking *booking
	status  Status // PickedUp or Delivered
	tries   int
}

// id returns the webhook's id: the same on every try, and after every restart.
func (n *notice) id() string { return "msg_" + n.booking.id + "_" + string(n.status) }

// register is the carrier's books in memory: the fold of the journal.
type register struct {
	bookings *books.List[*booking]
	byID     map[string]*booking
	answers  map[string]*answer // by key
	failed   map[string]bool    // the keys of the requests that were answered by a 500
	untold   map[string]*notice // the webhooks that nobody has taken yet, by their ids
}

func newRegister() *register {
	return &register{
		bookings: books.NewList[*booking](), byID: map[string]*booking{}, answers: map[string]*answer{},
		failed: map[string]bool{}, untold: map[string]*notice{},
	}
}

func (g *register) replay(line []byte, _ journal.Position) error {
	var entry record
	if err := json.Unmarshal(line, &entry); err != nil {
		return fmt.Errorf("%w: %w", journal.ErrDamaged, err)
	}
	switch entry.Kind {
	case parcelBooked, bookingRefused, requestFailed:
	default:
		if g.byID[entry.Booking] == nil {
			return fmt.Errorf("%w: a record of a booking that is not there", journal.ErrDamaged)
		}
	}
	g.apply(entry)
	return nil
}

func (g *register) apply(entry record) {
	subject := g.byID[entry.Booking]
	switch entry.Kind {
	case parcelBooked:
		subject = &booking{
			id: entry.Booking, reference: entry.Reference, trackingNumber: entry.TrackingNumber,
			script: entry.Script, bookedAt: entry.At,
		}
		g.byID[subject.id] = subject
		g.bookings.Add(subject.reference, subject)
		g.answer(entry, &answer{booking: subject, status: Booked})
	case bookingRefused:
		g.answer(entry, &answer{})
	case cancelAnswered:
		if entry.Code == "" && subject.cancelled.IsZero() {
			subject.cancelled = entry.At
		}
		g.answer(entry, &answer{booking: subject, cancel: true, status: subject.status()})
	case requestFailed:
		g.failed[entry.Key] = true
	case parcelPickedUp:
		subject.pickedUpAt = entry.At
		g.due(entry, &notice{booking: subject, status: PickedUp})
	case parcelDelivered:
		subject.deliveredAt = entry.At
		g.due(entry, &notice{booking: subject, status: Delivered})
	case webhookTaken:
		delete(g.untold, (&notice{booking: subject, status: entry.Status}).id())
	case refusalLifted:
		subject.allowed = true
	}
}

func (g *register) answer(entry record, given *answer) {
	given.fingerprint, given.code = entry.Fingerprint, entry.Code
	delete(g.failed, entry.Key)
	g.answers[entry.Key] = given
}

func (g *register) due(entry record, webhook *notice) {
	if entry.Tell {
		g.untold[webhook.id()] = webhook
	}
}
