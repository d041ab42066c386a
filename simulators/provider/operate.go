package provider

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"waybill.dev/simulators/internal/web"
)

// request is an operation that somebody asks for.
type request struct {
	key       string
	kind      OperationKind
	payment   string // its id; empty for an authorization
	amount    Money
	reference string // of an authorization only, as the token
	token     Token
}

// fingerprint tells requests under the same key apart, without keeping what they said.
func (q request) fingerprint() string {
	said := fmt.Sprintf("%q %q %d %q %q %q", q.kind, q.payment, q.amount.Amount, q.amount.Currency, q.reference, q.token)
	sum := sha256.Sum256([]byte(said))
	return hex.EncodeToString(sum[:12])
}

// perform does what is asked, once for its key, and answers it as its token wants it answered.
func (s *Server) perform(w http.ResponseWriter, r *http.Request, asked request) error {
	done, first, err := s.decide(asked)
	if flushed := s.journal.Flush(); flushed != nil {
		return flushed
	}
	if err != nil {
		return err
	}
	s.config.Logger.DebugContext(r.Context(), "operation", "key", done.key, "operation", done.kind,
		"payment", done.payment.id, "code", done.code, "first", first)
	token := done.payment.token
	if first && token.unanswered(done.kind) {
		return web.Cut(w)
	}
	if token == TokenSlow && !web.Wait(r.Context(), time.Until(done.at.Add(s.config.SlowAnswer))) {
		return web.Cut(w)
	}
	switch done.code {
	case "":
		return web.Answer(w, http.StatusOK, done.result())
	case "unknown_token":
		return web.Answer(w, http.StatusUnprocessableEntity, Refusal{Code: done.code, Message: message(done.code)})
	default:
		return web.Answer(w, http.StatusPaymentRequired, Refusal{Code: done.code, Message: message(done.code)})
	}
}

// decide returns the operation that answers a request, and whether it is the first request of its key. The
// operation is in the journal, but perhaps not yet on disk. The error is a Problem.
func (s *Server) decide(asked request) (done *operation, first bool, err error) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	fingerprint := asked.fingerprint()

	s.mu.Lock()
	defer s.mu.Unlock()
	if done := s.ledger.operations[asked.key]; done != nil {
		if done.fingerprint != fingerprint {
			return nil, false, web.KeyReused()
		}
		return done, false, nil
	}

	entry := record{
		Kind: operationDone, At: now, Key: asked.key, Operation: asked.kind, Payment: asked.payment,
		Amount: asked.amount.Amount, Fingerprint: fingerprint,
	}
	subject := s.ledger.byID[asked.payment]
	switch {
	case asked.kind == Authorize:
		subject = s.asPayment(asked, now)
		entry.Payment, entry.ID = subject.id, subject.id
		entry.Currency, entry.Reference = subject.amount.Currency, subject.reference
		entry.Token, entry.ExpiresAt = subject.token, subject.expiresAt
	case subject == nil:
		return nil, false, unknownPayment()
	default:
		entry.ID = newID(asked.kind)
	}

	if subject.token == TokenFailsOnce && !s.ledger.failed[asked.key] {
		if err := s.note(record{Kind: requestFailed, At: now, Key: asked.key}); err != nil {
			return nil, false, err
		}
		return nil, false, web.NewProblem(http.StatusInternalServerError, "failed_once",
			"nothing was done; the same request succeeds the next time")
	}
	entry.Code = s.ledger.refuses(subject, asked.kind, asked.amount, now)
	if entry.Code != "" && asked.kind != Authorize {
		entry.ID = ""
	}
	if err := s.note(entry); err != nil {
		return nil, false, err
	}
	return s.ledger.operations[asked.key], true, nil
}

// asPayment returns the payment that an authorization would make.
func (s *Server) asPayment(asked request, now time.Time) *payment {
	subject := &payment{
		id: newID(Authorize), reference: asked.reference, amount: asked.amount,
		expiresAt: now.Add(s.config.AuthorizationLifetime),
	}
	if asked.token.known() {
		subject.token = asked.token
	}
	return subject
}

// note writes a record to the journal and to the ledger. The caller holds the lock.
func (s *Server) note(entry record) error {
	if _, err := s.journal.Append(entry); err != nil {
		return err
	}
	s.ledger.apply(entry)
	return nil
}

func newID(kind OperationKind) string {
	prefix := "pay_"
	switch kind {
	case Capture:
		prefix = "cap_"
	case Void:
		prefix = "void_"
	case Refund:
		prefix = "ref_"
	}
	return prefix + strings.ToLower(rand.Text())
}
