package server

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
)

// TraceParent is the W3C trace context of the span at hand, "" without one.
func TraceParent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// WithTraceParent continues the trace that the W3C trace context names.
func WithTraceParent(ctx context.Context, traceParent string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": traceParent})
}

// InjectTrace tells the receiver of an outgoing HTTP request which trace it belongs to.
func InjectTrace(ctx context.Context, header http.Header) {
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(header))
}
