package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	"waybill.dev/platform/outside"
	"waybill.dev/platform/outside/outsidetest"
	"waybill.dev/services/payments/payment"
	"waybill.dev/simulators/provider"
)

// caller is how a worker asks the provider. The right one asks under the attempt's key, and takes silence for no answer.
type caller struct {
	// key is the key to ask under, after so many calls of this attempt were silent.
	key func(key string, silent int) string
	// silence is what the worker makes of no answer; false is nothing.
	silence func(payment.Ask) (payment.Outcome, bool)
}

var right = caller{
	key:     func(key string, _ int) string { return key },
	silence: func(payment.Ask) (payment.Outcome, bool) { return payment.Outcome{}, false },
}

// wrong are callers that each break one rule.
var wrong = map[string]caller{
	"a new key after silence": {
		key: func(key string, silent int) string {
			if silent == 0 {
				return key
			}
			return fmt.Sprintf("%s-%d", key, silent)
		},
		silence: right.silence,
	},
	"silence is a no": {key: right.key, silence: func(a payment.Ask) (payment.Outcome, bool) {
		return payment.Outcome{Operation: a.Operation, Key: a.Key, Code: "no_answer"}, true
	}},
	"silence is a yes": {key: right.key, silence: func(a payment.Ask) (payment.Outcome, bool) {
		return payment.Outcome{Operation: a.Operation, Key: a.Key, Reference: "pay_unknown"}, true
	}},
}

// story is one payment between the pure decisions, workers that overlap, and a provider behind a bad network.
type story struct {
	ctx    context.Context
	choose func(int) int
	caller caller

	provider *Provider
	network  *outsidetest.Network
	books    string
	id       es.StreamID
	log      *estest.Memory
	settings payment.Settings
	token    string

	jobs    []payment.Ask
	silent  map[string]int // calls without an answer, by the attempt's key
	workers []*worker
}

// worker does a job: it has looked at the payment, then it asks, then it records. Between these, anything may happen.
type worker struct {
	job     payment.Ask
	request Request
	asked   bool
	outcome payment.Outcome
	err     error
}

var theEvents = []contracts.Event{
	contracts.OrderShipped{Carrier: "Simulated Parcel", TrackingNumber: "SP1"}, contracts.StockReleased{},
	contracts.StockReservationFailed{}, contracts.OrderResolved{Outcome: "cancelled", ResolvedBy: "operator", Reason: "by hand"},
}

var tokens = []provider.Token{
	provider.TokenOK, provider.TokenOK, provider.TokenDeclined, provider.TokenUnanswered, provider.TokenFailsOnce,
	provider.TokenRefuseCapture, provider.TokenRefuseRefund, provider.TokenRefuseVoid,
}

func (s *story) placed() contracts.Event {
	return contracts.OrderPlaced{Total: total, Payment: contracts.PaymentMethod{Method: "card", Token: s.token}}
}

// tell tells a story, by what is chosen, to its end: then all is answered. The error is what it comes to that must not be.
func (s *story) tell() error {
	s.token = string(tokens[s.choose(len(tokens))])
	s.settings.CaptureAtOnce = s.choose(2) == 1
	if err := s.hear(s.placed()); err != nil {
		return err
	}
	for range 10 + s.choose(30) {
		if err := s.step(); err != nil {
			return err
		}
	}
	return s.settle()
}

func (s *story) step() error {
	switch s.choose(10) {
	case 0: // in any order, and again
		if i := s.choose(len(theEvents) + 1); i < len(theEvents) {
			return s.hear(theEvents[i])
		}
		return s.hear(s.placed())
	case 1, 2, 3:
		if len(s.jobs) > 0 && len(s.workers) < 3 {
			return s.begin(s.choose(len(s.jobs)))
		}
	case 4, 5, 6:
		if i := s.choose(3); i < len(s.workers) && !s.workers[i].asked {
			s.network.Next(outsidetest.Fate(s.choose(int(outsidetest.Fates))))
			s.ask(s.workers[i])
		}
	case 7:
		if i := s.choose(3); i < len(s.workers) && s.workers[i].asked {
			return s.record(i)
		}
	case 8:
		if n := s.network.Held(); n > 0 {
			s.network.Arrive(s.choose(n))
		}
	case 9:
		return s.retry()
	}
	return nil
}

func (s *story) hear(e contracts.Event) error {
	react := payment.React(func(string) payment.Settings { return s.settings })
	return s.run(react(contracts.Message{Tenant: s.id.Tenant, Subject: s.id.ID, Data: e}, time.Now()))
}

func (s *story) run(c es.Command) error {
	d, err := s.log.Run(c)
	for _, j := range d.Jobs {
		s.jobs = append(s.jobs, j.(payment.Ask))
	}
	return err
}

func (s *story) state() payment.Payment {
	states, err := s.log.Load(s.id)
	if err != nil {
		panic(err)
	}
	return payment.Category.State(states, s.id)
}

// begin is what a worker does first. A job stays until somebody has seen its outcome recorded, so that a second worker
// may do it beside one that is slow to die.
func (s *story) begin(i int) error {
	job := s.jobs[i]
	p := s.state()
	if a, ok := p.Pending(); !ok || a.Key != job.Key {
		s.jobs = append(s.jobs[:i:i], s.jobs[i+1:]...)
		return nil
	}
	s.workers = append(s.workers, &worker{job: job, request: Request{
		Operation: job.Operation, Key: s.caller.key(job.Key, s.silent[job.Key]), Reference: s.id.Tenant + "/" + s.id.ID,
		Payment: p.Provider, Amount: p.Amount, Token: p.Token,
	}})
	return nil
}

func (s *story) ask(w *worker) {
	w.asked = true
	w.outcome, w.err = s.provider.ask(s.ctx, w.request)
	w.outcome.Key = w.job.Key // whatever it was asked under
	if w.err != nil {
		s.silent[w.job.Key]++
	}
}

func (s *story) record(i int) error {
	w := s.workers[i]
	s.workers = append(s.workers[:i:i], s.workers[i+1:]...)
	if w.err != nil {
		if !errors.Is(w.err, outside.ErrUnknown) {
			return fmt.Errorf("%s was rejected: %w", w.request.Key, w.err)
		}
		taken, is := s.caller.silence(w.job)
		if !is {
			return nil
		}
		w.outcome = taken
	}
	return s.run(payment.Settle(s.id, w.outcome, time.Now()))
}

// retry is an operator who tries again, having had the refusal lifted or not.
func (s *story) retry() error {
	if _, ok := s.state().Attention(); !ok {
		return nil
	}
	if s.choose(2) == 1 {
		response, err := http.Post(s.books+"/v1/payments/"+s.id.Tenant+"/"+s.id.ID+"/allow", "application/json", nil)
		if err != nil {
			return err
		}
		response.Body.Close()
	}
	return s.run(payment.Retry(s.id, "operator", time.Now()))
}

// settle lets everything come there and be answered, and holds the books against the stream.
func (s *story) settle() error {
	s.network.Next(outsidetest.Answered)
	for rounds := 0; len(s.jobs)+len(s.workers)+s.network.Held() > 0; rounds++ {
		switch {
		case rounds > 200:
			return fmt.Errorf("it comes to no end: %+v", s.state())
		case s.network.Held() > 0:
			s.network.Arrive(0)
		case len(s.workers) > 0:
			if !s.workers[0].asked {
				s.ask(s.workers[0])
			}
			if err := s.record(0); err != nil {
				return err
			}
		default:
			if err := s.begin(0); err != nil {
				return err
			}
		}
	}
	if err := s.checkKeys(); err != nil {
		return err
	}
	return s.checkBooks()
}

// checkKeys: the number in the key rises by one, only after a refusal, and only by an operator's retry.
func (s *story) checkKeys() error {
	next := map[payment.Operation]int{}
	may := map[payment.Operation]bool{payment.Authorize: true, payment.Capture: true, payment.Void: true, payment.Refund: true}
	var refused payment.Operation
	for _, f := range s.log.Facts {
		switch e := f.Event.(type) {
		case payment.Attempted:
			if e.Number != next[e.Operation] || !may[e.Operation] || e.Key != fmt.Sprintf("%s/%s/%s/%d", s.id.Tenant, s.id.ID, e.Operation, e.Number) {
				return fmt.Errorf("the key %s is not the next one of %s", e.Key, e.Operation)
			}
			next[e.Operation]++
			may[e.Operation] = false
		case payment.Refused:
			refused = e.Operation
		case payment.RetryRequested:
			if refused == "" {
				return errors.New("a retry before any refusal")
			}
			may[e.Operation] = true
		}
	}
	return nil
}

// checkBooks: each intent has had one effect, and the provider's books are what the stream says.
func (s *story) checkBooks() error {
	p := s.state()
	if a, ok := p.Pending(); ok {
		return fmt.Errorf("%s is pending, and there is no job", a.Key)
	}
	response, err := http.Get(s.books + "/v1/payments?reference=" + url.QueryEscape(s.id.Tenant+"/"+s.id.ID))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var page provider.PaymentPage
	if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
		return err
	}
	var asked []payment.Attempt
	for _, a := range p.Attempts {
		if a.Operation != payment.Void || p.Authorized {
			asked = append(asked, a)
		}
	}
	if len(asked) == 0 && len(page.Payments) == 0 {
		return nil // turned back before it was asked for
	}
	if len(page.Payments) != 1 {
		return fmt.Errorf("the provider has %d payments for %d attempts", len(page.Payments), len(asked))
	}
	has := page.Payments[0]
	told := map[bool]int64{true: p.Amount.Amount}
	gone := slices.ContainsFunc(asked, func(a payment.Attempt) bool {
		return a.Operation == payment.Void && a.Status == payment.AttemptSucceeded
	})
	switch {
	case has.Authorized != told[p.Authorized], has.Captured != told[p.Captured], has.Refunded != told[p.Refunded]:
		return fmt.Errorf("the books say %+v, the stream %+v", has, p)
	case (has.Status == "voided") != gone, p.Over() && has.Held:
		return fmt.Errorf("the books say %s, the stream that a void was done: %t, and that it is over: %t", has.Status, gone, p.Over())
	case p.Authorized && p.Provider != has.ID:
		return fmt.Errorf("the payment is %s, and we call it %s", has.ID, p.Provider)
	case len(has.Operations) != len(asked):
		return fmt.Errorf("the provider was asked for %+v, and we know of %+v", has.Operations, asked)
	}
	for i, o := range has.Operations {
		if a := asked[i]; o.Key != a.Key || string(o.Operation) != string(a.Operation) || string(a.Status) != o.Status || a.Code != o.Code {
			return fmt.Errorf("the provider did %+v, and we know of %+v", o, a)
		}
	}
	return nil
}

// telling makes stories about one provider.
func telling(t *testing.T) func(who caller, choose func(int) int) *story {
	t.Helper()
	books := run(t, provider.Config{})
	way := outsidetest.New(t, books)
	through := connect(t, way.URL)
	stories := 0
	return func(who caller, choose func(int) int) *story {
		stories++
		way.Forget()
		return &story{
			ctx: t.Context(), choose: choose, caller: who, provider: through, network: way, books: books,
			id: payment.Category.Stream("acme", fmt.Sprintf("order-%d", stories)), log: estest.NewMemory(payment.Category),
			silent: map[string]int{},
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
