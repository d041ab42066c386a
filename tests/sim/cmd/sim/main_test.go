package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestSim(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, told, err string }{
		{"-seed 0", "seed 0:\n", "<nil>"},
		{"-seed 7", "seed 7:\n", "<nil>"},
		{"-runs 3", "3 runs, ", "<nil>"},
		{"-runs 0", "", "-runs 0: there must be one at least"},
		{"-runs -1", "", "-runs -1: there must be one at least"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := run(t.Context(), strings.Fields(c.args), &out)
			if got := fmt.Sprint(err); got != c.err || !strings.HasPrefix(out.String(), c.told) {
				t.Errorf("error %s, want %s; it tells %q, want %q", got, c.err, out.String(), c.told)
			}
		})
	}
}
