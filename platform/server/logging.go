package server

import (
	"context"
	"io"
	"log/slog"
	"sync"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"waybill.dev/platform/es"
)

// scope is what is being worked on: each log line says it.
type scope struct {
	correlationID string
	tenant        string

	mu    sync.Mutex
	order string // known only once the request is understood
}

type scopeKey struct{}

func withScope(ctx context.Context, s *scope) context.Context {
	return context.WithValue(ctx, scopeKey{}, s)
}

// subject notes the order that the command is about. Orders alone are named by UUIDs.
func (s *scope) subject(c es.Command) {
	if len(c.Streams) > 0 {
		s.about(c.Streams[0].ID)
	}
}

func (s *scope) about(id string) {
	if uuid.Validate(id) == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.order = id
	}
}

// logHandler adds what the context knows to each record.
type logHandler struct{ slog.Handler }

// NewLogger writes JSON lines that say the correlation, tenant, order and trace of their context.
func NewLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(logHandler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})})
}

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if s, ok := ctx.Value(scopeKey{}).(*scope); ok {
		s.mu.Lock()
		order := s.order
		s.mu.Unlock()
		r.AddAttrs(slog.String("correlation_id", s.correlationID), slog.String("tenant", s.tenant))
		if order != "" {
			r.AddAttrs(slog.String("order", order))
		}
	}
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.Handler.WithGroup(name)} }
