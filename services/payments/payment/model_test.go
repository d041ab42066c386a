package payment_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	"waybill.dev/services/payments/payment"
)

// model is the saga's specification of payments, over a set of words, written down apart from the code so that
// the two can be held against each other. pay says what is to be done next, after every new word.
type model struct {
	heard   map[string]bool // topics, and outcomes: authorized, captured, voided, refunded, failed, X-refused
	asked   payment.Operation
	tries   map[payment.Operation]int
	atOnce  bool
	said    []string
	settled bool // by hand
}

func newModel(atOnce bool) *model {
	return &model{heard: map[string]bool{}, tries: map[payment.Operation]int{}, atOnce: atOnce}
}

func (m *model) any(words ...string) bool {
	for _, w := range words {
		if m.heard[w] {
			return true
		}
	}
	return false
}

func (m *model) back() bool { return m.any("stock-released", "stock-reservation-failed") }

func (m *model) hear(topic string) {
	if m.heard[topic] {
		return
	}
	m.heard[topic] = true
	m.settled = m.settled || topic == "order-resolved"
	m.pay()
}

func (m *model) pay() {
	over := m.any("voided", "refunded", "failed")
	switch {
	case m.asked != "" || m.settled || m.any("void-refused", "refund-refused"):
	case m.back() && !m.any("authorized") && !over:
		m.heard["voided"] = true
		m.said = append(m.said, "payment-voided")
	case m.any("order-placed") && !m.any("authorized") && !over:
		m.asked = payment.Authorize
	case m.back() && m.any("captured") && !over:
		m.asked = payment.Refund
	case m.any("authorized") && !over && !m.any("captured"):
		if m.back() || m.atOnce && m.any("capture-refused") {
			m.asked = payment.Void
		} else if (m.any("order-shipped") || m.atOnce) && !m.any("capture-refused") {
			m.asked = payment.Capture
		}
	}
}

func (m *model) answer(ok bool) {
	op := m.asked
	m.asked = ""
	switch {
	case !ok && op == payment.Authorize:
		m.heard["failed"] = true
		m.said = append(m.said, "payment-failed")
	case !ok:
		m.heard[string(op)+"-refused"] = true
		if (op != payment.Capture || !m.atOnce) && !m.settled {
			m.said = append(m.said, "payment-attention-required")
		}
	case op == payment.Authorize:
		m.heard["authorized"] = true
		if !m.atOnce {
			m.said = append(m.said, "payment-authorized")
		}
	case op == payment.Capture:
		m.heard["captured"] = true
		if m.atOnce {
			m.said = append(m.said, "payment-authorized")
		}
		m.said = append(m.said, "payment-captured")
	case op == payment.Void && m.back():
		m.heard["voided"] = true
		m.said = append(m.said, "payment-voided")
	case op == payment.Void:
		m.heard["failed"] = true
		m.said = append(m.said, "payment-failed")
	case op == payment.Refund:
		m.heard["refunded"] = true
		m.said = append(m.said, "payment-refunded")
	}
	m.pay()
}

func (m *model) attention() bool {
	return !m.settled && !m.any("voided", "refunded", "failed") &&
		(m.any("void-refused", "refund-refused") || m.any("capture-refused") && !m.atOnce)
}

func (m *model) retry() {
	for _, op := range []payment.Operation{payment.Capture, payment.Void, payment.Refund} {
		if word := string(op) + "-refused"; m.heard[word] {
			delete(m.heard, word)
			m.tries[op]++
		}
	}
	m.pay()
}

// run drives the code and the model side by side, against a provider that allows no impossible thing, and holds
// them together after every step.
type run struct {
	t        testing.TB
	log      *estest.Memory
	model    *model
	settings payment.Settings
	keys     map[string]bool
	money    struct{ held, captured, refunded bool }
}

func newRun(tb testing.TB, atOnce bool) *run {
	tb.Helper()
	return &run{
		t: tb, log: estest.NewMemory(payment.Category), model: newModel(atOnce),
		settings: payment.Settings{CaptureAtOnce: atOnce}, keys: map[string]bool{},
	}
}

func (r *run) do(c es.Command) es.Decision {
	r.t.Helper()
	d, err := r.log.Run(c)
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

func (r *run) state() payment.Payment {
	states, err := r.log.Load(stream)
	if err != nil {
		r.t.Fatal(err)
	}
	return payment.Category.State(states, stream)
}

// check holds what was said and asked against the model, and the state against its invariants.
func (r *run) check() {
	r.t.Helper()
	if diff := cmp.Diff(r.model.said, said(r.log.Facts), cmpopts.EquateEmpty()); diff != "" {
		r.t.Fatalf("said (-model +code):\n%s", diff)
	}
	p := r.state()
	pending, _ := p.Pending()
	if pending.Operation != r.model.asked {
		r.t.Fatalf("asks for %q, the model for %q", pending.Operation, r.model.asked)
	}
	if pending.Operation != "" && pending.Number != r.model.tries[pending.Operation] {
		r.t.Fatalf("%s is attempt %d, the model's %d", pending.Operation, pending.Number, r.model.tries[pending.Operation])
	}
	if _, ok := p.Attention(); ok != r.model.attention() {
		r.t.Fatalf("attention %v, the model's %v", ok, r.model.attention())
	}
	open, keys := 0, map[string]bool{}
	for _, a := range p.Attempts {
		if a.Status == payment.AttemptPending {
			open++
		}
		if keys[a.Key] {
			r.t.Fatalf("the key %s was used twice", a.Key)
		}
		keys[a.Key] = true
	}
	switch {
	case open > 1:
		r.t.Fatalf("%d outcomes are waited for at once", open)
	case p.Captured && !p.Authorized, p.Refunded && !p.Captured, p.Voided && (p.Captured || p.Refunded):
		r.t.Fatalf("impossible: %+v", p)
	}
}

func (r *run) hear(topic string) es.Decision {
	r.t.Helper()
	d := r.do(react(r.t, events[topic], r.settings))
	r.model.hear(topic)
	r.check()
	return d
}

// answer lets the provider answer what it was asked, with code "" for a yes.
func (r *run) answer(code string) es.Decision {
	r.t.Helper()
	p := r.state()
	a, ok := p.Pending()
	if !ok {
		r.t.Fatal("nothing was asked")
	}
	possible := map[payment.Operation]bool{
		payment.Authorize: !r.money.held && !r.money.captured, payment.Capture: r.money.held, payment.Void: r.money.held,
		payment.Refund: r.money.captured && !r.money.refunded,
	}
	if !possible[a.Operation] {
		r.t.Fatalf("%s is asked for, with %+v", a.Operation, r.money)
	}
	outcome := done(a.Operation)
	outcome.Key, outcome.Code = a.Key, code
	if code == "" || code == payment.HoldExpired {
		switch a.Operation {
		case payment.Authorize:
			r.money.held = true
		case payment.Capture:
			r.money.held, r.money.captured = false, true
		case payment.Void:
			r.money.held = false
		case payment.Refund:
			r.money.refunded = true
		}
	}
	d := r.do(payment.Settle(stream, outcome, now))
	r.model.answer(code == "" || code == payment.HoldExpired)
	r.check()
	if again := r.do(payment.Settle(stream, outcome, now)); len(again.Facts)+len(again.Jobs) > 0 {
		r.t.Fatalf("the same outcome again came to %v", again.Facts)
	}
	return d
}

// drain lets the provider say yes until nothing is asked any more, and looks at the books.
func (r *run) drain() {
	r.t.Helper()
	for {
		p := r.state()
		if _, ok := p.Pending(); !ok {
			break
		}
		r.answer("")
	}
	p := r.state()
	_, attention := p.Attention()
	if attention || p.Resolved {
		return
	}
	switch {
	case p.TurnedBack() && (r.money.held || r.money.captured != r.money.refunded || !p.Over()):
		r.t.Fatalf("turned back, and the provider has %+v", r.money)
	case p.Placed && p.Shipped && !p.Over() && !r.money.captured:
		r.t.Fatal("shipped and not captured")
	case p.Over() && r.money.held:
		r.t.Fatal("over, and a hold is left behind")
	}
}

// Whatever comes in whatever order, the code does as the model does.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := newRun(tb{T: t, rapid: rt}, rapid.Bool().Draw(rt, "at once"))
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			choice := rapid.IntRange(0, 9).Draw(rt, "choice")
			p := r.state()
			a, pending := p.Pending()
			switch {
			case choice < 5:
				topic := rapid.SampledFrom([]string{
					"order-placed", "order-placed", "order-shipped", "stock-released", "stock-reservation-failed",
					"order-shipped", "order-placed", "order-resolved",
				}).Draw(rt, "topic")
				r.hear(topic)
			case choice < 8 && pending:
				codes := []string{"", "", "refused_" + string(a.Operation)}
				if a.Operation == payment.Void {
					codes = append(codes, payment.HoldExpired)
				}
				r.answer(rapid.SampledFrom(codes).Draw(rt, "code"))
			case choice == 8:
				_, wanted := p.Attention()
				_, err := r.log.Run(payment.Retry(stream, "operator", now))
				if (err == nil) != wanted {
					rt.Fatalf("retry: %v, attention %v", err, wanted)
				}
				if wanted {
					r.model.retry()
				}
				r.check()
			}
		}
		r.drain()
	})
}

// tb is a test whose failures rapid sees, so that it can shrink them.
type tb struct {
	*testing.T
	rapid *rapid.T
}

func (t tb) Helper()                   { t.rapid.Helper() }
func (t tb) Fatal(args ...any)         { t.rapid.Fatal(args...) }
func (t tb) Fatalf(f string, a ...any) { t.rapid.Fatalf(f, a...) }
