package provider

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
	operationDone recordKind = "operation" // succeeded or refused, see record.Code
	requestFailed recordKind = "failed"    // a request was answered by a 500, and nothing was done
	refusalLifted recordKind = "allowed"
)

// record is a line of the journal. All that the ledger knows follows from the records.
type record struct {
	Kind        recordKind    `json:"kind"`
	At          time.Time     `json:"at"`
	Key         string        `json:"key,omitempty"`
	Operation   OperationKind `json:"operation,omitempty"`
	Payment     string        `json:"payment,omitempty"`
	ID          string        `json:"id,omitempty"`   // of what the operation made
	Code        string        `json:"code,omitempty"` // of the refusal; empty when it succeeded
	Amount      int64         `json:"amount,omitempty"`
	Fingerprint string        `json:"fingerprint,omitempty"`

	// Of an authorization only.
	Currency  string    `json:"currency,omitempty"`
	Token     Token     `json:"token,omitempty"` // empty when it is none of ours
	ExpiresAt time.Time `json:"expiresAt,omitzero"`

	Reference string `json:"reference,omitempty"` // of an authorization, and of what was allowed
}

// payment is what the ledger knows of a payment.
type payment struct {
	id         string
	reference  string
	amount     Money
	token      Token
	authorized bool
	voided     bool
	captured   int64
	refunded   int64
	expiresAt  time.Time
	operations []*operation
}

func (p *payment) expired(now time.Time) bool { return !now.Before(p.expiresAt) }

// operation is an answer that was given, or would have been.
type operation struct {
	key         string
	kind        OperationKind
	payment     *payment
	id          string
	code        string
	fingerprint string
	at          time.Time
}

// ledger is the provider's books in memory: the fold of the journal.
type ledger struct {
	payments   *books.List[*payment]
	byID       map[string]*payment
	operations map[string]*operation // by key
	failed     map[string]bool       // the keys of the requests that were answered by a 500
	allowed    map[string]bool       // the references whose refusals are lifted
}

func newLedger() *ledger {
	return &ledger{
		payments: books.NewList[*payment](), byID: map[string]*payment{}, operations: map[string]*operation{},
		failed: map[string]bool{}, allowed: map[string]bool{},
	}
}

func (l *ledger) replay(line []byte, _ journal.Position) error {
	var entry record
	if err := json.Unmarshal(line, &entry); err != nil {
		return fmt.Errorf("%w: %w", journal.ErrDamaged, err)
	}
	if entry.Kind == operationDone && entry.Operation != Authorize && l.byID[entry.Payment] == nil {
		return fmt.Errorf("%w: an operation on a payment that is not there", journal.ErrDamaged)
	}
	l.apply(entry)
	return nil
}

func (l *ledger) apply(entry record) {
	switch entry.Kind {
	case requestFailed:
		l.failed[entry.Key] = true
	case refusalLifted:
		l.allowed[entry.Reference] = true
	case operationDone:
		delete(l.failed, entry.Key)
		l.operate(entry)
	}
}

func (l *ledger) operate(entry record) {
	subject := l.byID[entry.Payment]
	if entry.Operation == Authorize {
		subject = &payment{
			id: entry.Payment, reference: entry.Reference, token: entry.Token, expiresAt: entry.ExpiresAt,
			amount: Money{Amount: entry.Amount, Currency: entry.Currency},
		}
		l.byID[subject.id] = subject
		l.payments.Add(subject.reference, subject)
	}
	done := &operation{
		key: entry.Key, kind: entry.Operation, payment: subject, id: entry.ID, code: entry.Code,
		fingerprint: entry.Fingerprint, at: entry.At,
	}
	l.operations[done.key] = done
	subject.operations = append(subject.operations, done)
	if done.code != "" {
		return
	}
	switch done.kind {
	case Authorize:
		subject.authorized = true
	case Capture:
		subject.captured = entry.Amount
	case Void:
		subject.voided = true
	case Refund:
		subject.refunded += entry.Amount
	}
}

// referenceOf returns the reference of what somebody names: an operation by its key, a payment by its id, or
// a reference itself.
func (l *ledger) referenceOf(name string) (reference string, known bool) {
	if done := l.operations[name]; done != nil {
		return done.payment.reference, true
	}
	if subject := l.byID[name]; subject != nil {
		return subject.reference, true
	}
	return name, len(l.payments.Of(name)) > 0
}
