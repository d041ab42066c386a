//go:build chaos

package orders_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill.dev/contracts"
	"waybill.dev/platform/servicetest"
	"waybill.dev/services/orders"
)

// A clock that is ahead lets no deadline pass: PostgreSQL's says what is due. It is told of.
func TestAClockThatIsAheadJudgesNothingEarly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "offset")
	t.Setenv("CHAOS_CLOCK_OFFSET", file)
	brokers := servicetest.Brokers(t)
	access := database(t)
	r := serveHasty(t, brokers, access, settle)
	patient, hasty := r.place("patient").ID, r.place("hasty").ID
	r.stop()

	if err := os.WriteFile(file, []byte("2h"), 0o600); err != nil {
		t.Fatal(err)
	}
	r = serveHasty(t, brokers, access, settle)
	eventually(t, "the clock is told of", func() bool {
		return strings.Contains(r.get("/readyz", "").Body, "clock: it is 2h0m0s ahead of PostgreSQL's")
	})
	eventually(t, "what is due is judged", func() bool { return r.show(hasty).Cancellation != nil })
	again := r.place("hasty").ID
	r.hear("hasty", again, contracts.PaymentAuthorized{}) // by the right clock, so that the next step is due soon
	eventually(t, "a later look has judged", func() bool { return r.show(again).Cancellation != nil })
	if o := read[orders.Order](t, r.get("/v1/orders/"+patient, "patient"), http.StatusOK); o.Cancellation != nil {
		t.Errorf("cancelled long before its deadline: %+v", o.Cancellation)
	}
}
