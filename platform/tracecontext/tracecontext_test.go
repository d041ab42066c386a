package tracecontext_test

import (
	"testing"

	"waybill.dev/platform/tracecontext"
)

func TestParentComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": "",
		"malformed": "",
		"":          "",
	} {
		if got := tracecontext.Parent(tracecontext.With(t.Context(), given)); got != want {
			t.Errorf("%q came back as %q, want %q", given, got, want)
		}
	}
}
