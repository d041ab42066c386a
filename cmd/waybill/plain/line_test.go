package plain_test

import (
	"testing"

	"waybill.dev/cmd/waybill/plain"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ is, want string }{
		{"", "-"}, {`decode "tenant": kind „x“ \d`, `decode "tenant": kind „x“ \d`}, {"\x1b[2J a\nb\tc", "\uFFFD[2J a\uFFFDb\uFFFDc"},
		{"\xff \u202e", "\uFFFD \uFFFD"},
	} {
		if got := plain.Line(c.is); got != c.want {
			t.Errorf("%q is shown as %q, want %q", c.is, got, c.want)
		}
	}
}
