package payment_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/payments/payment"
)

var update = flag.Bool("update", false, "write testdata/pairs.txt anew; read what has changed")

// histories lead to every state that a payment can be in. A topic is heard; "yes", and a code, are the
// provider's answers.
var histories = []struct {
	name   string
	atOnce bool
	steps  []string
}{
	{"nothing", false, nil},
	{"authorizing", false, []string{"order-placed"}},
	{"declined", false, []string{"order-placed", "card_declined"}},
	{"authorized", false, []string{"order-placed", "yes"}},
	{"capturing", false, []string{"order-placed", "yes", "order-shipped"}},
	{"captured", false, []string{"order-placed", "yes", "order-shipped", "yes"}},
	{"capture refused", false, []string{"order-placed", "yes", "order-shipped", "capture_refused"}},
	{"voiding", false, []string{"order-placed", "yes", "stock-released"}},
	{"voided", false, []string{"order-placed", "yes", "stock-released", "yes"}},
	{"void refused", false, []string{"order-placed", "yes", "stock-released", "void_refused"}},
	{"turned back before it was placed", false, []string{"stock-released"}},
	{"resolved", false, []string{"order-resolved"}},
	{"at once: authorizing", true, []string{"order-placed"}},
	{"at once: declined", true, []string{"order-placed", "card_declined"}},
	{"at once: capturing", true, []string{"order-placed", "yes"}},
	{"at once: captured", true, []string{"order-placed", "yes", "yes"}},
	{"at once: refunding", true, []string{"order-placed", "yes", "yes", "stock-reservation-failed"}},
	{"at once: refunded", true, []string{"order-placed", "yes", "yes", "stock-reservation-failed", "yes"}},
	{"at once: refund refused", true, []string{"order-placed", "yes", "yes", "stock-reservation-failed", "refund_refused"}},
	{"at once: capture refused, voiding", true, []string{"order-placed", "yes", "capture_refused"}},
	{"at once: capture refused, failed", true, []string{"order-placed", "yes", "capture_refused", "yes"}},
	{"at once: capture and void refused", true, []string{"order-placed", "yes", "capture_refused", "void_refused"}},
}

var topics = []string{"order-placed", "order-shipped", "stock-released", "stock-reservation-failed", "order-resolved"}

// Every two events, in either order, from every state of a payment, each of them twice: the facts, the events
// said and the jobs are those of testdata/pairs.txt, and those of the model. Then the provider says yes, and
// again no, to all that is asked, and the books agree.
func TestEveryPairInEitherOrder(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	for _, h := range histories {
		fmt.Fprintf(&got, "## %s\n", h.name)
		for _, a := range topics {
			for _, b := range topics {
				if a == b {
					continue
				}
				for _, answers := range []string{"yes", "no"} {
					r := newRun(t, h.atOnce)
					for _, step := range h.steps {
						r.step(step)
					}
					first, second := r.twice(a), r.twice(b)
					if again := r.hear(a); len(again.Facts) > 0 {
						t.Fatalf("%s: %s after %s again came to %v", h.name, a, b, again.Facts)
					}
					if answers == "yes" {
						fmt.Fprintf(&got, "%s, %s: %s, then %s\n", a, b, first, second)
						r.drain()
						continue
					}
					for p, open := r.state().Pending(); open; p, open = r.state().Pending() {
						r.answer(string(p.Operation) + "_refused")
					}
				}
			}
		}
	}
	golden := filepath.Join("testdata", "pairs.txt")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Fatalf("pairs (-want +got):\n%s", diff)
	}
}

// step takes one word of a history.
func (r *run) step(word string) {
	r.t.Helper()
	switch _, topic := events[word]; {
	case topic:
		r.hear(word)
	case word == "yes":
		r.answer("")
	default:
		r.answer(word)
	}
}

// twice hears a topic twice, and tells what the first came to. The second comes to nothing.
func (r *run) twice(topic string) string {
	r.t.Helper()
	d := r.hear(topic)
	if again := r.hear(topic); len(again.Facts)+len(again.Jobs) > 0 {
		r.t.Fatalf("%s again came to %v", topic, again.Facts)
	}
	return describe(r.t, d)
}

// describe writes a decision as a line. The facts are compared in full by the tests of the verbs.
func describe(tb testing.TB, d es.Decision) string {
	tb.Helper()
	if len(d.Facts) == 0 {
		return "nothing"
	}
	var words []string
	jobs := 0
	for _, f := range d.Facts {
		word := strings.TrimPrefix(f.Event.Kind(), "payment.")
		switch e := f.Event.(type) {
		case payment.Attempted:
			jobs++
			word = fmt.Sprintf("attempted %s %d", e.Operation, e.Number)
			want := payment.Ask{Order: order, Operation: e.Operation, Number: e.Number, Key: e.Key}
			if diff := cmp.Diff([]es.Job{want}, d.Jobs); diff != "" {
				tb.Fatalf("job (-want +got):\n%s", diff)
			}
		case payment.WayBackHeard:
			word += " " + string(e.Cause)
		}
		words = append(words, word)
	}
	if len(d.Jobs) != jobs {
		tb.Fatalf("%d jobs for %d attempts", len(d.Jobs), jobs)
	}
	line := strings.Join(words, " + ")
	if s := said(d.Facts); len(s) > 0 {
		line += " → " + strings.Join(s, ", ")
	}
	return line
}

func TestReactLetsTheRestPass(t *testing.T) {
	t.Parallel()
	heard := map[contracts.Type]bool{}
	for _, e := range payment.Hears() {
		heard[e.Type()] = true
	}
	for _, e := range contracts.Catalogue() {
		if whole, ok := events[path.Ext(e.Type().Topic())[1:]]; ok { // an empty one may be refused
			e = whole
		}
		d, err := newRun(t, false).log.Run(react(t, e, payment.Settings{}))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(d.Facts) > 0; got != heard[e.Type()] {
			t.Errorf("%s: reacts %v, heard %v", e.Type(), got, heard[e.Type()])
		}
	}
}

// The setting is that of the message's tenant.
func TestReactAsksForTheTenantsSettings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		tenant string
		want   bool
	}{{"acme", false}, {"quick", true}} {
		m := contracts.Message{Tenant: tc.tenant, Subject: order, Data: events["order-placed"]}
		c := payment.React(func(name string) payment.Settings {
			return payment.Settings{CaptureAtOnce: name == "quick"}
		})(m, now)
		d, err := newRun(t, false).log.Run(c)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Facts[0].Event.(payment.Requested).CaptureAtOnce; got != tc.want {
			t.Errorf("%s captures at once: %v", tc.tenant, got)
		}
		if got := d.Facts[0].Stream.Tenant; got != tc.tenant {
			t.Errorf("the stream is %s's, want %s's", got, tc.tenant)
		}
	}
}
