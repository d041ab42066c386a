package provider

import (
	"net/http"
	"strings"
	"time"

	"waybill.dev/simulators/internal/books"
	"waybill.dev/simulators/internal/web"
)

func (s *Server) routes() http.Handler {
	router := web.NewRouter(s.config.Logger)
	router.Handle("POST /v1/payments", s.authorize)
	router.Handle("POST /v1/payments/{id}/capture", s.amount(Capture))
	router.Handle("POST /v1/payments/{id}/refund", s.amount(Refund))
	router.Handle("POST /v1/payments/{id}/void", s.void)
	router.Handle("POST /v1/payments/{name...}", s.allow) // a key has slashes in it
	router.Handle("GET /v1/payments", s.list)
	router.Handle("GET /v1/payments/{id}", s.payment)
	router.Handle("GET /v1/operations/{key...}", s.operation)
	return router
}

func (s *Server) authorize(w http.ResponseWriter, r *http.Request) error {
	key, err := web.IdempotencyKey(r)
	if err != nil {
		return err
	}
	var body AuthorizeRequest
	if err := web.Decode(w, r, &body); err != nil {
		return err
	}
	if _, _, ok := books.SplitReference(body.Reference); !ok {
		return web.Invalid("reference must be {tenant}/{order}")
	}
	if body.Token == "" {
		return web.Invalid("token is missing")
	}
	if err := validate(body.Amount); err != nil {
		return err
	}
	return s.perform(w, r, request{
		key: key, kind: Authorize, amount: body.Amount, reference: body.Reference, token: body.Token,
	})
}

func (s *Server) amount(kind OperationKind) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		key, err := web.IdempotencyKey(r)
		if err != nil {
			return err
		}
		var body AmountRequest
		if err := web.Decode(w, r, &body); err != nil {
			return err
		}
		if err := validate(body.Amount); err != nil {
			return err
		}
		return s.perform(w, r, request{key: key, kind: kind, payment: r.PathValue("id"), amount: body.Amount})
	}
}

func (s *Server) void(w http.ResponseWriter, r *http.Request) error {
	key, err := web.IdempotencyKey(r)
	if err != nil {
		return err
	}
	if err := web.Decode(w, r, &struct{}{}); err != nil {
		return err
	}
	return s.perform(w, r, request{key: key, kind: Void, payment: r.PathValue("id")})
}

func (s *Server) allow(w http.ResponseWriter, r *http.Request) error {
	name, found := strings.CutSuffix(r.PathValue("name"), "/allow")
	if !found {
		return web.UnknownRoute(w, r)
	}
	err := s.lift(name)
	if flushed := s.journal.Flush(); flushed != nil {
		return flushed
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) lift(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	reference, known := s.ledger.referenceOf(name)
	if !known {
		return unknownPayment()
	}
	return s.note(record{Kind: refusalLifted, At: time.Now().UTC(), Reference: reference})
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

func (s *Server) page(query books.Query) PaymentPage {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	payments, next := s.ledger.payments.Page(query, func(*payment) bool { return true })
	page := PaymentPage{Payments: make([]Payment, len(payments)), Next: next}
	for i, subject := range payments {
		page.Payments[i] = subject.view(now)
	}
	return page
}

func (s *Server) payment(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	subject := s.ledger.byID[r.PathValue("id")]
	if subject == nil {
		s.mu.Unlock()
		return unknownPayment()
	}
	view := subject.view(time.Now())
	s.mu.Unlock()
	if err := s.journal.Flush(); err != nil {
		return err
	}
	return web.Answer(w, http.StatusOK, view)
}

func (s *Server) operation(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	done := s.ledger.operations[r.PathValue("key")]
	s.mu.Unlock()
	if done == nil {
		return web.NewProblem(http.StatusNotFound, "unknown_key", "no operation was done under this key")
	}
	if err := s.journal.Flush(); err != nil {
		return err
	}
	outcome := OperationOutcome{OperationRecord: done.view(), Payment: done.payment.id}
	if done.code == "" {
		result := done.result()
		outcome.Result = &result
	}
	return web.Answer(w, http.StatusOK, outcome)
}

func validate(amount Money) error {
	if amount.Amount <= 0 {
		return web.Invalid("amount.amount must be a positive number of minor units")
	}
	if len(amount.Currency) != 3 || strings.Trim(amount.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return web.Invalid("amount.currency must be an ISO 4217 code")
	}
	return nil
}

func unknownPayment() *web.Problem {
	return web.NewProblem(http.StatusNotFound, "unknown_payment", "there is no such payment here")
}
