package server

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// recording says whether anybody takes spans.
func recording(config Config, options Options) bool {
	return config.TraceEndpoint != "" || options.Spans != nil
}

// newTracerProvider sends spans to the endpoint and to the exporter, where there are any. Without either nothing
// is recorded, but ids are still made and handed on.
func newTracerProvider(ctx context.Context, service, endpoint string, shared sdktrace.SpanExporter) (*sdktrace.TracerProvider, error) {
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.namespace", "waybill"), attribute.String("service.name", service))),
	}
	if endpoint != "" {
		exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimSuffix(endpoint, "/")+"/v1/traces"))
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
		}
		options = append(options, sdktrace.WithBatcher(exporter))
	}
	if shared != nil {
		options = append(options, sdktrace.WithBatcher(unowned{shared}))
	}
	if endpoint == "" && shared == nil {
		options = append(options, sdktrace.WithSampler(sdktrace.NeverSample()))
	}
	return sdktrace.NewTracerProvider(options...), nil
}

// unowned is an exporter that others use as well.
type unowned struct{ sdktrace.SpanExporter }

func (unowned) Shutdown(context.Context) error { return nil }
