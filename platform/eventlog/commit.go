package eventlog

import (
	"context"
	"errors"
	"fmt"

	"waybill.dev/platform/es"
	"waybill.dev/platform/failure"
	"waybill.dev/platform/pgerr"
)

// commit runs the commands in one transaction. Those that cannot share it (a stream of theirs is locked by somebody
// else, or their decision fails) run singly, beside the next shared commits: no command fails another or holds it up.
func (l *Log) commit(ctx context.Context, batch []*pending) {
	l.shared.Observe(float64(len(batch)))
	outcomes, left, err := l.transact(ctx, batch, true)
	switch {
	case err == nil:
		for p, o := range outcomes {
			p.done <- o
		}
	case errors.Is(err, errAway):
		// The server is away for everybody: trying each singly would only make them wait longer.
		for _, p := range batch {
			p.done <- outcome{err: callersError(err)}
		}
	default:
		l.Logger.WarnContext(ctx, "a shared commit failed; its commands run singly", "commands", len(batch), "error", err)
		left = batch
	}
	for _, p := range left {
		l.singly.Go(func() {
			l.single <- struct{}{}
			defer func() { <-l.single }()
			l.commitSingly(ctx, p)
		})
	}
}

// commitSingly runs one command in a transaction of its own, again where it lost a race.
func (l *Log) commitSingly(ctx context.Context, p *pending) {
	var err error
	for range raceTries {
		var outcomes map[*pending]outcome
		outcomes, _, err = l.transact(ctx, []*pending{p}, false)
		if err == nil {
			p.done <- outcomes[p]
			return
		}
		if !errors.Is(err, errLostRace) {
			break
		}
	}
	p.done <- outcome{err: callersError(err)}
}

// errAway marks errors of a server that does not answer anybody.
var errAway = failure.As(failure.Transient, errors.New("PostgreSQL is away"))

// classify tells an absent server from a failed statement. A missing table is one's own: no command is run before the
// schema has been seen, so that it is missing for those who need it, and not for everybody.
func classify(err error) error {
	if err != nil && pgerr.Unavailable(err) && !pgerr.Missing(err) {
		return fmt.Errorf("%w: %w", errAway, err)
	}
	return err
}

// callersError is a failed transaction's error as the caller of Handle sees it.
func callersError(err error) error {
	switch {
	case errors.Is(err, ErrUnderWay), errors.Is(err, ErrUnavailable):
		return err
	case errors.Is(err, errLostRace), failure.Of(err) == failure.Transient:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// member is a request on its way through one transaction.
type member struct {
	*pending
	outcome outcome
	// need are further streams that the command was led to.
	need []es.StreamID
	// left says that the command is left to a transaction of its own.
	left bool
}

// transact runs the batch in one transaction. It returns what each command came to, and those that are left to run
// singly. A shared transaction waits for no lock.
func (l *Log) transact(ctx context.Context, batch []*pending, shared bool) (_ map[*pending]outcome, _ []*pending, err error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	defer failure.Recovered(&err)
	tx, err := l.Pool.Begin(ctx)
	if err != nil {
		// Nothing has been asked of the server yet: whatever it is, it concerns everybody.
		return nil, nil, fmt.Errorf("%w: %w", errAway, err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit this does nothing

	members := make([]*member, 0, len(batch))
	for _, p := range batch {
		members = append(members, &member{pending: p})
	}
	t := &transaction{log: l, tx: tx, shared: shared, states: es.NewStates(), elsewhere: map[int64]bool{},
		handled: map[string]bool{}, undecided: map[string]bool{}, held: map[subject]bool{}, kept: map[keyScope]keptResponse{}}
	if err := t.lockAndLoad(ctx, members); err != nil {
		return nil, nil, classify(err)
	}
	for _, m := range members {
		if m.left {
			continue
		}
		if err := t.run(m); err != nil {
			return nil, nil, err
		}
	}
	if t.writes() {
		if err := t.write(ctx); err != nil {
			return nil, nil, classify(err)
		}
		if err := tx.Commit(ctx); err != nil {
			return nil, nil, classify(err)
		}
		t.remember()
		if len(t.messages.ids) > 0 && l.Committed != nil {
			l.Committed()
		}
	}
	outcomes := make(map[*pending]outcome, len(members))
	var left []*pending
	for _, m := range members {
		if m.left {
			left = append(left, m.pending)
		} else {
			outcomes[m.pending] = m.outcome
		}
	}
	return outcomes, left, nil
}

// run lets one command decide upon the states as the commands before it left them. A command that these led to
// streams that were not locked is left.
func (t *transaction) run(m *member) error {
	if m.Message != "" && t.handled[m.Message] {
		m.outcome.result.Duplicate = true
		return nil
	}
	if t.isUndecided(m.Request) {
		m.outcome.err = ErrUndecided
		return nil
	}
	if t.isHeld(m.Request) {
		m.outcome.result.Held = true
		return nil
	}
	if m.Idempotency != nil {
		if kept, ok := t.kept[scopeOf(m.Request)]; ok {
			if kept.bodySHA256 != m.Idempotency.BodySHA256 {
				m.outcome.err = ErrKeyReused
			} else {
				m.outcome.result = Result{Replayed: true, Response: kept.response}
			}
			return nil
		}
	}
	decision, err := decide(m.Command, t.states)
	if refusal := (*es.Refusal)(nil); errors.As(err, &refusal) {
		m.outcome.err = refusal
		return nil
	}
	if m.left = t.shared && (err != nil || len(decision.Need) > 0); m.left {
		return nil // run singly, where its error is its own
	}
	switch {
	case err != nil:
		return err
	case len(decision.Need) > 0:
		return fmt.Errorf("a decision needs %v, whose categories are not locked later", decision.Need)
	}
	versions, err := es.Apply(decision, t.states)
	if err != nil {
		return err
	}
	if m.outcome.result.Facts, err = t.record(m.Request, decision, versions); err != nil {
		return err
	}
	if m.Respond != nil {
		if m.outcome.result.Response, err = m.Respond(t.states); err != nil {
			return err
		}
	}
	if m.Message != "" {
		t.handled[m.Message] = true
		t.claims = append(t.claims, claim{m.Message, m.Said})
	}
	if m.Idempotency != nil {
		scope := scopeOf(m.Request)
		t.kept[scope] = keptResponse{m.Idempotency.BodySHA256, m.outcome.result.Response}
		t.keys = append(t.keys, scope)
	}
	return nil
}

// decide is es.Decide for code that may panic: the command's panic is the command's error.
func decide(c es.Command, states es.States) (d es.Decision, err error) {
	defer failure.Recovered(&err)
	return es.Decide(c, states)
}
