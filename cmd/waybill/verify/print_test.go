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

// What an operator has given up is told apart from what is still to be dealt with.
func TestWhatWasDiscardedIsToldApart(t *testing.T) {
	t.Parallel()
	r := verify.Report{
		Orders: 1, OK: 1, Took: time.Second,
		ParkedAll: 1, ParkedList: []verify.Parked{{Service: "orders", Error: "an open one"}},
		DiscardedAll: 1, DiscardedList: []verify.Parked{{Service: "orders", Error: "one given up"}},
	}
	var out strings.Builder
	if err := r.Print(&out, false); err != nil {
		t.Fatal(err)
	}
	open, discarded, found := strings.Cut(out.String(), "DISCARDED, PARKED BY")
	if !found || !strings.Contains(open, "an open one") || !strings.Contains(discarded, "one given up") {
		t.Errorf("it tells\n%s", out.String())
	}
	if !strings.Contains(out.String(), "; 1 messages parked, 1 discarded.\n") {
		t.Errorf("the summary lacks what is parked:\n%s", out.String())
	}
}
