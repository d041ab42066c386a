package tracecontext_test

import (
	"testing"

	"go.opentelemetry.io/otel/trace"

	"waybill.dev/platform/tracecontext"
)

// Whatever stands in the header: it names a trace that is handed on as such, or none.
func FuzzWith(f *testing.F) {
	for _, seed := range []string{
		"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-more", "00-00000000000000000000000000000000-0000000000000000-00", "00-\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, parent string) {
		ctx := tracecontext.With(t.Context(), parent)
		named := trace.SpanContextFromContext(ctx)
		again := tracecontext.Parent(ctx)
		if named.IsValid() != (again != "") || len(again) > 55 {
			t.Errorf("%q names %v, which is %q", parent, named, again)
		}
		if third := trace.SpanContextFromContext(tracecontext.With(t.Context(), again)); third.TraceID() != named.TraceID() {
			t.Errorf("%q became %q", parent, again)
		}
	})
}
