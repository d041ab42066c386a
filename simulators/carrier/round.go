package carrier

import (
	"context"
	"net/http"
	"time"

	"waybill.dev/simulators/internal/web"
)

// moment returns the time as the books hold it.
func moment() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// step is what happens to a parcel next, if it is then still where it was when the step was planned: a parcel may
// have been cancelled meanwhile, or moved by hand.
type step struct {
	booking *booking
	from    Status
}

// round picks up and delivers whatever is due, until ctx ends. All that is due at once goes to the disk at
// once, and only then to the webhooks.
func (s *Server) round(ctx context.Context) error {
	for {
		next, err := s.carry(moment())
		if err != nil {
			return err
		}
		if !s.bookingsDue.wait(ctx, next) {
			return nil
		}
	}
}

// carry does what is due, and returns when the next is; the zero time when nothing is.
func (s *Server) carry(now time.Time) (next time.Time, err error) {
	s.mu.Lock()
	var moved []*notice
	for {
		planned, due := s.calendar.take(now)
		if !due {
			break
		}
		if planned.booking.status() != planned.from {
			continue
		}
		webhook, err := s.advance(planned.booking, now)
		if err != nil {
			s.mu.Unlock()
			return time.Time{}, err
		}
		moved = append(moved, webhook...)
	}
	next, _ = s.calendar.next()
	s.mu.Unlock()
	if err := s.journal.Flush(); err != nil {
		return time.Time{}, err
	}
	s.teller.tell(moved...)
	return next, nil
}

// schedule notes when the next thing happens to a parcel by itself. The caller holds the lock.
func (s *Server) schedule(subject *booking) {
	if waitsToBeTold(subject.script) {
		return
	}
	switch status := subject.status(); status {
	case Booked:
		s.calendar.add(subject.bookedAt.Add(s.config.PickUpAfter), step{booking: subject, from: status})
	case PickedUp:
		s.calendar.add(subject.pickedUpAt.Add(s.config.DeliverAfter), step{booking: subject, from: status})
	case Cancelled, Delivered:
	}
}

// advance picks a parcel up, or delivers it, whichever comes next; nothing happens to one that is cancelled or
// delivered. It returns the webhook to send, if any. The caller holds the lock.
func (s *Server) advance(subject *booking, now time.Time) ([]*notice, error) {
	entry := record{At: now, Booking: subject.id, Tell: s.signer != nil && subject.script != PostalCodeSilent}
	switch subject.status() {
	case Booked:
		entry.Kind = parcelPickedUp
	case PickedUp:
		entry.Kind = parcelDelivered
	case Cancelled, Delivered:
		return nil, nil
	}
	if err := s.note(entry); err != nil {
		return nil, err
	}
	s.schedule(subject)
	if !entry.Tell {
		return nil, nil
	}
	webhook := &notice{booking: subject, status: subject.status()}
	return []*notice{s.register.untold[webhook.id()]}, nil
}

// move takes a parcel to a status now, because somebody says so: a parcel that is there already stays as it is.
func (s *Server) move(id string, to Status) error {
	webhook, err := s.moveLocked(id, to)
	if flushed := s.journal.Flush(); flushed != nil {
		return flushed
	}
	if err != nil {
		return err
	}
	s.teller.tell(webhook...)
	s.bookingsDue.ring()
	return nil
}

func (s *Server) moveLocked(id string, to Status) ([]*notice, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	subject := s.register.byID[id]
	if subject == nil {
		return nil, unknownBooking()
	}
	switch status := subject.status(); {
	case status == Cancelled:
		return nil, web.NewProblem(http.StatusConflict, "cancelled", "the booking was cancelled")
	case status == Booked && to == Delivered:
		return nil, web.NewProblem(http.StatusConflict, "not_picked_up", "the parcel has not been picked up")
	case status == Booked && to == PickedUp, status == PickedUp && to == Delivered:
		return s.advance(subject, moment())
	default:
		return nil, nil
	}
}
