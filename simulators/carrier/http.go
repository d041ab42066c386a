package carrier

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"waybill.dev/simulators/internal/books"
	"waybill.dev/simulators/internal/web"
)

func (s *Server) routes() http.Handler {
	router := web.NewRouter(s.config.Logger)
	router.Handle("POST /v1/bookings", s.book)
	router.Handle("POST /v1/bookings/{id}/cancel", s.cancel)
	router.Handle("POST /v1/bookings/{id}/allow", s.allow)
	router.Handle("POST /v1/bookings/{id}/pick-up", s.moveTo(PickedUp))
	router.Handle("POST /v1/bookings/{id}/deliver", s.moveTo(Delivered))
	router.Handle("GET /v1/bookings", s.list)
	router.Handle("GET /v1/bookings/{id}", s.booking)
	return router
}

func (s *Server) book(w http.ResponseWriter, r *http.Request) error {
	key, err := web.IdempotencyKey(r)
	if err != nil {
		return err
	}
	var body BookRequest
	if err := web.Decode(w, r, &body); err != nil {
		return err
	}
	if err := body.validate(); err != nil {
		return err
	}
	entry := record{
		Kind: parcelBooked, At: moment(), Key: key, Fingerprint: fingerprint("book", body),
		Reference: body.Reference, Script: script(body.Address.PostalCode),
	}
	if entry.Script == PostalCodeRefused {
		entry.Kind, entry.Code = bookingRefused, "address_not_served"
	} else {
		entry.Booking = "bkg_" + strings.ToLower(rand.Text())
		entry.TrackingNumber = "SP" + rand.Text()[:16]
	}
	given, first, err := s.answerTo(entry, func(*booking) (record, error) { return entry, nil })
	return s.respond(w, r, given, first, err)
}

func (s *Server) cancel(w http.ResponseWriter, r *http.Request) error {
	key, err := web.IdempotencyKey(r)
	if err != nil {
		return err
	}
	if err := web.Decode(w, r, &struct{}{}); err != nil {
		return err
	}
	id := r.PathValue("id")
	entry := record{
		Kind: cancelAnswered, At: moment(), Key: key, Fingerprint: fingerprint("cancel", id), Booking: id,
	}
	given, first, err := s.answerTo(entry, func(subject *booking) (record, error) {
		if subject == nil {
			return record{}, unknownBooking()
		}
		entry.Script = subject.script
		switch status := subject.status(); {
		case status == PickedUp || status == Delivered:
			entry.Code = "already_picked_up"
		case status == Booked && subject.script == PostalCodeKept && !subject.allowed:
			entry.Code = "cancellation_refused"
		}
		return entry, nil
	})
	return s.respond(w, r, given, first, err)
}

// answerTo returns the answer to a request, and whether it is the first under its key. What decide returns is
// written down, if it was not before. The answer is in the journal, but perhaps not yet on disk.
func (s *Server) answerTo(asked record, decide func(*booking) (record, error)) (given *answer, first bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if given := s.register.answers[asked.Key]; given != nil {
		if given.fingerprint != asked.Fingerprint {
			return nil, false, web.KeyReused()
		}
		return given, false, nil
	}
	entry, err := decide(s.register.byID[asked.Booking])
	if err != nil {
		return nil, false, err
	}
	if entry.Script == PostalCodeFailsOnce && !s.register.failed[asked.Key] {
		if err := s.note(record{Kind: requestFailed, At: asked.At, Key: asked.Key}); err != nil {
			return nil, false, err
		}
		return nil, false, web.NewProblem(http.StatusInternalServerError, "failed_once",
			"nothing was done; the same request succeeds the next time")
	}
	if err := s.note(entry); err != nil {
		return nil, false, err
	}
	if entry.Kind == parcelBooked {
		s.schedule(s.register.byID[entry.Booking])
		s.bookingsDue.ring()
	}
	return s.register.answers[asked.Key], true, nil
}

// respond waits until what was decided is on disk, and answers.
func (s *Server) respond(w http.ResponseWriter, r *http.Request, given *answer, first bool, err error) error {
	if flushed := s.journal.Flush(); flushed != nil {
		return flushed
	}
	if err != nil {
		return err
	}
	s.config.Logger.DebugContext(r.Context(), "answer", "path", r.URL.Path, "code", given.code, "first", first)
	if given.booking == nil {
		return web.Answer(w, http.StatusUnprocessableEntity,
			Refusal{Code: given.code, Message: "the carrier does not go to this address"})
	}
	if first && given.booking.script == PostalCodeUnanswered {
		return web.Cut(w)
	}
	if given.booking.script == PostalCodeSlow && !given.cancel && !web.Wait(r.Context(), time.Until(given.booking.bookedAt.Add(SlowAnswer))) {
		return web.Cut(w)
	}
	s.mu.Lock()
	view := given.booking.view(given.status)
	s.mu.Unlock()
	switch {
	case !given.cancel:
		return web.Answer(w, http.StatusCreated, view)
	case given.code == "already_picked_up":
		return web.Answer(w, http.StatusConflict,
			Refusal{Code: given.code, Message: "the carrier has the parcel", Booking: &view})
	case given.code != "":
		return web.Answer(w, http.StatusConflict,
			Refusal{Code: given.code, Message: "the carrier does not cancel this until it is allowed", Booking: &view})
	default:
		return web.Answer(w, http.StatusOK, view)
	}
}

func (s *Server) allow(w http.ResponseWriter, r *http.Request) error {
	err := s.lift(r.PathValue("id"))
	if flushed := s.journal.Flush(); flushed != nil {
		return flushed
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) lift(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.register.byID[id] == nil {
		return unknownBooking()
	}
	return s.note(record{Kind: refusalLifted, At: moment(), Booking: id})
}

func (s *Server) moveTo(status Status) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := s.move(r.PathValue("id"), status); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) error {
	query, err := books.ParseQuery(r.URL.Query())
	if err != nil {
		return web.Invalid("%s", err)
	}
	page := s.page(query)
	if err := s.journal.Flush(); err != nil {
		return err
	}
	return web.Answer(w, http.StatusOK, page)
}

func (s *Server) page(query books.Query) BookingPage {
	s.mu.Lock()
	defer s.mu.Unlock()
	bookings, next := s.register.bookings.Page(query, func(*booking) bool { return true })
	page := BookingPage{Bookings: make([]Booking, len(bookings)), Next: next}
	for i, subject := range bookings {
		page.Bookings[i] = subject.view(subject.status())
	}
	return page
}

func (s *Server) booking(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	subject := s.register.byID[r.PathValue("id")]
	if subject == nil {
		s.mu.Unlock()
		return unknownBooking()
	}
	view := subject.view(subject.status())
	s.mu.Unlock()
	if err := s.journal.Flush(); err != nil {
		return err
	}
	return web.Answer(w, http.StatusOK, view)
}

func (b BookRequest) validate() error {
	if _, _, ok := books.SplitReference(b.Reference); !ok {
		return web.Invalid("reference must be {tenant}/{order}")
	}
	for _, field := range []struct{ name, value string }{
		{"name", b.Address.Name}, {"line1", b.Address.Line1}, {"city", b.Address.City},
		{"postalCode", b.Address.PostalCode}, {"country", b.Address.Country},
	} {
		if strings.TrimSpace(field.value) == "" {
			return web.Invalid("address.%s is missing", field.name)
		}
	}
	if len(b.Lines) == 0 {
		return web.Invalid("lines are missing")
	}
	for i, line := range b.Lines {
		if line.SKU == "" || line.Quantity <= 0 {
			return web.Invalid("lines[%d] must have a sku and a positive quantity", i)
		}
	}
	return nil
}

// fingerprint tells requests under the same key apart, without keeping what they said.
func fingerprint(asked string, body any) string {
	said, err := json.Marshal(body)
	if err != nil {
		panic(err) // only our own types come here, and none of them can fail
	}
	sum := sha256.Sum256(append([]byte(asked+" "), said...))
	return hex.EncodeToString(sum[:12])
}

func unknownBooking() *web.Problem {
	return web.NewProblem(http.StatusNotFound, "unknown_booking", "there is no such booking here")
}
