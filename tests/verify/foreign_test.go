package verify

import (
	"errors"
	"strings"
	"testing"

	audit "waybill.dev/cmd/waybill/verify"
	"waybill.dev/platform/postgres"
)

// What a dump brings from a cluster whose transactions have come further stands behind every snapshot of this one.
func TestARestoredDatabaseThatIsNotAdoptedIsNotAudited(t *testing.T) {
	t.Parallel()
	g := newGround(t, "foreign", nil)
	g.exec(t, "UPDATE payments.events SET transaction_id = (transaction_id::text::bigint + 1000000000)::text::xid8")
	r, err := audit.Run(t.Context(), audit.Options{Sources: g.sources(t), Folder: t.TempDir()})
	if !errors.Is(err, postgres.ErrForeign) || !strings.Contains(err.Error(), "payments") {
		t.Errorf("%d orders, %d in flight: %v", r.Orders, r.InFlight, err)
	}
}
