// Package tracecontext carries a trace beyond a call, as the text of W3C Trace Context: in messages, facts and jobs.
package tracecontext

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
)

const header = "traceparent"

// Parent is the trace context of the span at hand, "" without one.
func Parent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[header]
}

// With continues the trace that the trace context names; a malformed one names none.
func With(ctx context.Context, parent string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{header: parent})
}
