package estest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"waybill.dev/platform/es"
)

// Scenario is what has happened before.
type Scenario struct {
	t   testing.TB
	log *Memory
}

// Outcome is what a command came to.
type Outcome struct {
	t        testing.TB
	decision es.Decision
	err      error
}

// Given starts from an empty log of these categories.
func Given(t testing.TB, categories ...es.Erased) *Scenario {
	t.Helper()
	return &Scenario{t: t, log: NewMemory(categories...)}
}

// Facts adds facts to the past.
func (s *Scenario) Facts(facts ...es.Fact) *Scenario {
	s.t.Helper()
	if err := s.log.Append(facts...); err != nil {
		s.t.Fatal(err)
	}
	return s
}

// Commands adds to the past whatever these commands came to.
func (s *Scenario) Commands(commands ...es.Command) *Scenario {
	s.t.Helper()
	for _, c := range commands {
		if _, err := s.log.Run(c); err != nil {
			s.t.Fatal(err)
		}
	}
	return s
}

// Log is the log as it stands.
func (s *Scenario) Log() *Memory { return s.log }

// When runs the command.
func (s *Scenario) When(c es.Command) *Outcome {
	s.t.Helper()
	d, err := s.log.Run(c)
	return &Outcome{t: s.t, decision: d, err: err}
}

// Then expects exactly these facts, in this order, and no refusal.
func (o *Outcome) Then(facts ...es.Fact) *Outcome {
	o.t.Helper()
	if o.err != nil {
		o.t.Fatalf("refused: %v", o.err)
	}
	if diff := cmp.Diff(facts, o.decision.Facts, cmpopts.EquateEmpty()); diff != "" {
		o.t.Fatalf("facts (-want +got):\n%s", diff)
	}
	return o
}

// ThenNothing expects that it had all been said and done.
func (o *Outcome) ThenNothing() {
	o.t.Helper()
	o.Then().ThenJobs()
}

// ThenJobs expects exactly these jobs.
func (o *Outcome) ThenJobs(jobs ...es.Job) *Outcome {
	o.t.Helper()
	if o.err != nil {
		o.t.Fatalf("refused: %v", o.err)
	}
	if diff := cmp.Diff(jobs, o.decision.Jobs, cmpopts.EquateEmpty()); diff != "" {
		o.t.Fatalf("jobs (-want +got):\n%s", diff)
	}
	return o
}

// ThenRefused expects a refusal with this code.
func (o *Outcome) ThenRefused(code es.RefusalCode) {
	o.t.Helper()
	var refusal *es.Refusal
	if !errors.As(o.err, &refusal) {
		o.t.Fatalf("want a refusal %q, got %v", code, o.err)
	}
	if refusal.Code != code {
		o.t.Fatalf("want a refusal %q, got %q: %s", code, refusal.Code, refusal.Detail)
	}
}
