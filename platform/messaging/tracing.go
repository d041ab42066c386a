package messaging

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"waybill.dev/contracts"
)

// traceContext is the trace that a message belongs to.
func traceContext(ctx context.Context, traceParent string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": traceParent})
}

// traceParent is the context's span, as a message carries it.
func traceParent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// traceSent records a span in the trace of each message that was sent. Messages carry the span that wrote them
// and not this one: a message that is sent again is the same to the byte.
func traceSent(tracer trace.Tracer, prefix string, rows []row, began time.Time) {
	if tracer == nil {
		return
	}
	ended := time.Now()
	for _, r := range rows {
		ctx := traceContext(context.Background(), r.headers[contracts.HeaderTraceParent])
		if !trace.SpanContextFromContext(ctx).IsSampled() {
			continue
		}
		topic := prefix + r.topic()
		_, span := tracer.Start(ctx, "send "+topic, trace.WithSpanKind(trace.SpanKindProducer), trace.WithTimestamp(began),
			trace.WithAttributes(messageAttributes(topic, r.headers[contracts.HeaderID])...))
		span.End(trace.WithTimestamp(ended))
	}
}

// messageAttributes are those of OpenTelemetry's conventions for messaging.
func messageAttributes(topic, id string) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.destination.name", topic),
		attribute.String("messaging.message.id", id),
	}
}
