package messaging

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"waybill.dev/contracts"
	"waybill.dev/platform/clock"
	"waybill.dev/platform/tracecontext"
)

// traceSent records a span in the trace of each message that was sent. Messages carry the span that wrote them
// and not this one: a message that is sent again is the same to the byte.
func traceSent(tracer trace.Tracer, prefix string, rows []row, began time.Time) {
	if tracer == nil {
		return
	}
	ended := clock.Monotonic()
	for _, r := range rows {
		ctx := tracecontext.With(context.Background(), r.headers[contracts.HeaderTraceParent])
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
