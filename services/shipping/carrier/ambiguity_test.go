package carrier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	"waybill.dev/platform/outside"
	"waybill.dev/platform/outside/outsidetest"
	"waybill.dev/services/shipping/shipment"
	simulator "waybill.dev/simulators/carrier"
)

// caller is how a worker asks the carrier. The right one asks under the attempt's key, and takes silence for no answer.
type caller struct {
	// key is the key to ask under, after so many calls of this attempt were silent.
	key func(key string, silent int) string
	// silence is what the worker makes of no answer; nil is nothing.
	silence func(order string, a shipment.Attempt, s shipment.Shipment) es.Command
}

var right = caller{key: func(key string, _ int) string { return key }}

// wrong are callers that each break one rule.
var wrong = map[string]caller{
	"a new key after silence": {key: func(key string, silent int) string {
		if silent == 0 {
			return key
		}
		return fmt.Sprintf("%s-%d", key, silent)
	}},
	"silence is a no": {key: right.key, silence: func(order string, a shipment.Attempt, _ shipment.Shipment) es.Command {
		return refuse(order, a, "no_answer")
	}},
	"silence is a cancellation": {key: right.key, silence: func(order string, a shipment.Attempt, s shipment.Shipment) es.Command {
		if a.Operation == shipment.Book {
			return es.Nothing()
		}
		return shipment.Take(acme, order, shipment.Report{Booking: s.Booking, State: shipment.StateCancelled})
	}},
}

const acme = "acme"

func refuse(order string, a shipment.Attempt, code string) es.Command {
	if a.Operation == shipment.Book {
		return shipment.RefuseBooking(acme, order, a.Number, code)
	}
	return shipment.RefuseCancel(acme, order, a.Number, code)
}

// story is one shipment between the pure decisions, workers that overlap, and a carrier behind a bad network.
type story struct {
	ctx    context.Context
	choose func(int) int
	caller caller

	carrier *HTTP
	network *outsidetest.Network
	books   string
	order   string
	log     *estest.Memory
	postal  string

	jobs    []es.Job
	silent  map[string]int // calls without an answer, by the attempt's key
	workers []*worker
}

// worker does a job: it has looked at the shipment, then it asks, then it records. Between these, anything may happen.
type worker struct {
	attempt shipment.Attempt
	key     string
	ask     question
	asked   bool
	report  shipment.Report
	err     error
}

var postalCodes = []string{
	simulator.PostalCodeManual, simulator.PostalCodeManual, simulator.PostalCodeKept, simulator.PostalCodeRefused,
	simulator.PostalCodeUnanswered, simulator.PostalCodeFailsOnce,
}

func (s *story) events() []contracts.Event {
	return []contracts.Event{
		contracts.OrderPlaced{ShippingAddress: contracts.Address{Name: "Ada", Line1: "1 Road", City: "Town", PostalCode: s.postal, Country: "DE"},
			Lines: []contracts.OrderLine{{SKU: "cup", Quantity: 2}}},
		contracts.StockReserved{},
		contracts.OrderCancellationRequested{RequestedBy: "customer", Reason: "changed my mind"},
		contracts.OrderResolved{Outcome: "cancelled", ResolvedBy: "operator", Reason: "by hand"},
	}
}

// tell tells a story, by what is chosen, to its end: then all is answered. The error is what it comes to that must not be.
func (s *story) tell() error {
	s.postal = postalCodes[s.choose(len(postalCodes))]
	for _, e := range s.events()[:2] {
		if err := s.hear(e); err != nil {
			return err
		}
	}
	for range 10 + s.choose(30) {
		if err := s.step(); err != nil {
			return err
		}
	}
	return s.settle()
}

func (s *story) step() error {
	switch s.choose(12) {
	case 0: // in any order, and again; an operator's word is rare
		if i := s.choose(8); i < len(s.events()) {
			return s.hear(s.events()[i])
		}
		return s.hear(s.events()[2])
	case 1, 2, 3:
		if len(s.jobs) > 0 && len(s.workers) < 3 {
			return s.begin(s.choose(len(s.jobs)))
		}
	case 4, 5, 6:
		if i := s.choose(3); i < len(s.workers) && !s.workers[i].asked {
			s.network.Next(outsidetest.Fate(s.choose(int(outsidetest.Fates))))
			s.ask(s.workers[i])
		}
	case 7, 8:
		if i := s.choose(3); i < len(s.workers) && s.workers[i].asked {
			return s.record(i)
		}
	case 9:
		if n := s.network.Held(); n > 0 {
			s.network.Arrive(s.choose(n))
		}
	case 10:
		return s.move()
	case 11:
		return s.retry()
	}
	return nil
}

func (s *story) hear(e contracts.Event) error {
	return s.run(shipment.React(contracts.Message{Tenant: acme, Subject: s.order, Data: e}, time.Now()))
}

func (s *story) run(c es.Command) error {
	d, err := s.log.Run(c)
	s.jobs = append(s.jobs, d.Jobs...)
	return err
}

func (s *story) state() shipment.Shipment {
	id := shipment.Category.Stream(acme, s.order)
	states, err := s.log.Load(id)
	if err != nil {
		panic(err)
	}
	return shipment.Category.State(states, id)
}

// begin is what a worker does first. A job stays until somebody has seen its outcome recorded, so that a second worker
// may do it beside one that is slow to die.
func (s *story) begin(i int) error {
	w := &worker{}
	now := s.state()
	switch job := s.jobs[i].(type) {
	case shipment.BookJob:
		w.attempt, w.key = job.Attempt(), job.Key
		w.ask = s.carrier.book(s.caller.key(w.key, s.silent[w.key]), Parcel{Reference: acme + "/" + s.order, Address: now.Address, Lines: now.Lines})
	case shipment.CancelJob:
		w.attempt, w.key = job.Attempt(), job.Key
		w.ask = s.carrier.cancel(s.caller.key(w.key, s.silent[w.key]), now.Booking.ID)
	}
	if !now.IsAsking(w.attempt) {
		s.jobs = append(s.jobs[:i:i], s.jobs[i+1:]...)
		return nil
	}
	s.workers = append(s.workers, w)
	return nil
}

func (s *story) ask(w *worker) {
	w.asked = true
	if w.report, w.err = w.ask.once(s.ctx); w.err == nil {
		w.err = w.ask.settled(w.report)
	}
	if errors.Is(w.err, outside.ErrUnknown) {
		s.silent[w.key]++
	}
}

func (s *story) record(i int) error {
	w := s.workers[i]
	s.workers = append(s.workers[:i:i], s.workers[i+1:]...)
	var refused *RefusedError
	switch {
	case errors.As(w.err, &refused):
		return s.run(refuse(s.order, w.attempt, refused.Code))
	case errors.Is(w.err, outside.ErrUnknown):
		if s.caller.silence == nil || !s.state().IsAsking(w.attempt) {
			return nil
		}
		return s.run(s.caller.silence(s.order, w.attempt, s.state()))
	case w.err != nil:
		return fmt.Errorf("%s was rejected: %w", w.key, w.err)
	}
	return s.run(shipment.Take(acme, s.order, w.report))
}

// move has the carrier pick the parcel up, or deliver it, and tell of it or not.
func (s *story) move() error {
	bookings, err := s.bookings()
	if err != nil || len(bookings) == 0 {
		return err
	}
	if err := s.post(bookings[0].ID, []string{"pick-up", "deliver"}[s.choose(2)]); err != nil || s.choose(2) == 0 {
		return err
	}
	return s.poll(bookings[0].ID)
}

// poll is what the carrier says unasked, or asked by the way.
func (s *story) poll(id string) error {
	report, err := s.carrier.find(id).once(s.ctx)
	if errors.Is(err, outside.ErrUnknown) {
		return nil
	}
	if err != nil || !s.state().BookingAsked {
		return err
	}
	return s.run(shipment.Take(acme, s.order, report))
}

func (s *story) post(booking, what string) error {
	response, err := http.Post(s.books+"/v1/bookings/"+booking+"/"+what, "application/json", nil)
	if err != nil {
		return err
	}
	return response.Body.Close() // a parcel that cannot move does not
}

func (s *story) bookings() ([]simulator.Booking, error) {
	response, err := http.Get(s.books + "/v1/bookings?reference=" + url.QueryEscape(acme+"/"+s.order))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var page simulator.BookingPage
	err = json.NewDecoder(response.Body).Decode(&page)
	return page.Bookings, err
}

// retry is an operator who tries again, having had the refusal lifted or not.
func (s *story) retry() error {
	now := s.state()
	if !now.NeedsAttention() {
		return nil
	}
	if s.choose(2) == 1 {
		if err := s.post(now.Booking.ID, "allow"); err != nil {
			return err
		}
	}
	return s.run(shipment.Retry(acme, s.order))
}

// settle lets everything come there and be answered, and holds the books against the stream.
func (s *story) settle() error {
	s.network.Next(outsidetest.Answered)
	for rounds := 0; len(s.jobs)+len(s.workers)+s.network.Held() > 0; rounds++ {
		var err error
		switch {
		case rounds > 200:
			return fmt.Errorf("it comes to no end: %+v", s.state())
		case s.network.Held() > 0:
			s.network.Arrive(0)
		case len(s.workers) > 0:
			if !s.workers[0].asked {
				s.ask(s.workers[0])
			}
			err = s.record(0)
		default:
			err = s.begin(0)
		}
		if err != nil {
			return err
		}
	}
	if err := s.checkKeys(); err != nil {
		return err
	}
	return s.checkBooks()
}

// checkKeys: a booking is asked for under one key, and the number in a cancellation's rises by one, only after a refusal
// and an operator's retry.
func (s *story) checkKeys() error {
	next := map[shipment.Operation]int{}
	may := map[shipment.Operation]bool{shipment.Book: true, shipment.Cancel: true}
	refused := false
	for _, f := range s.log.Facts {
		switch e := f.Event.(type) {
		case shipment.Attempted:
			if e.Number != next[e.Operation] || !may[e.Operation] || e.Key != fmt.Sprintf("%s/%s/%s/%d", acme, s.order, e.Operation, e.Number) {
				return fmt.Errorf("the key %s is not the next one of %s", e.Key, e.Operation)
			}
			next[e.Operation]++
			may[e.Operation] = false
		case shipment.CarrierRefusedCancel:
			refused = true
		case shipment.RetryRequested:
			if !refused {
				return errors.New("a retry before any refusal")
			}
			may[e.Operation], refused = true, false
		}
	}
	return nil
}

// checkBooks: the carrier has one booking or none, as the stream says, and it stands as the stream says.
func (s *story) checkBooks() error {
	bookings, err := s.bookings()
	if err != nil {
		return err
	}
	now := s.state()
	if (now.Asking != shipment.Attempt{}) {
		return fmt.Errorf("%+v is asked, and there is no job", now.Asking)
	}
	if len(bookings) > 1 || len(bookings) == 1 != now.IsBooked() {
		return fmt.Errorf("the carrier has the bookings %+v, the stream says %+v", bookings, now)
	}
	if len(bookings) == 0 {
		return nil
	}
	if err := s.poll(bookings[0].ID); err != nil { // what no webhook has told
		return err
	}
	now = s.state()
	has := bookings[0]
	switch {
	case has.ID != now.Booking.ID:
		return fmt.Errorf("the booking is %s, and we call it %s", has.ID, now.Booking.ID)
	case (has.Status == simulator.Cancelled) != now.Cancelled,
		(has.Status == simulator.PickedUp || has.Status == simulator.Delivered) != now.IsShipped(),
		(has.Status == simulator.Delivered) != now.IsDelivered():
		return fmt.Errorf("the carrier says %s, the stream %+v", has.Status, now)
	case now.CancellationHeard && !now.Cancelled && !now.CancellationRefused && !now.NeedsAttention() && !now.Resolved:
		return fmt.Errorf("a cancellation is not answered: %+v", now)
	}
	return nil
}

// telling makes stories about one carrier.
func telling(t *testing.T) func(who caller, choose func(int) int) *story {
	t.Helper()
	books := start(t).url
	way := outsidetest.New(t, books)
	through := connect(t, way.URL)
	stories := 0
	return func(who caller, choose func(int) int) *story {
		stories++
		way.Forget()
		return &story{
			ctx: t.Context(), choose: choose, caller: who, carrier: through, network: way, books: books,
			order: fmt.Sprintf("order-%d", stories), log: estest.NewMemory(shipment.Category), silent: map[string]int{},
		}
	}
}

// However calls are lost, repeated, late or overlapping: one intent, one effect, and the books agree.
func TestOneIntentHasOneEffect(t *testing.T) {
	t.Parallel()
	story := telling(t)
	outsidetest.Holds(t, func(choose func(int) int) error { return story(right, choose).tell() })
}

// The property catches whoever breaks a rule, soon.
func TestTheWrongCallersAreCaught(t *testing.T) {
	t.Parallel()
	for name, who := range wrong {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story := telling(t)
			outsidetest.Caught(t, func(choose func(int) int) error { return story(who, choose).tell() })
		})
	}
}
