package verify_test

import (
	"strings"
	"testing"
	"time"

	"waybill.dev/cmd/waybill/verify"
)

func TestTheVerdictSaysHowFarItGoes(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]verify.Report{
		"There is nothing to audit.":   {},
		"All eight statements hold.\n": {Orders: 2, OK: 2},
		"All eight statements hold as far as can be proven: 1 in flight, 2 parked, 3 not provable.\n": {
			Orders: 6, InFlight: 1, ParkedOrders: 2, NotProvable: 3,
		},
	} {
		r.Took = time.Second
		var out strings.Builder
		if err := r.Print(&out, false); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("want %q: %v, %s", want, err, out.String())
		}
	}
}
