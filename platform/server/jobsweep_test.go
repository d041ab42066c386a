package server_test

import (
	"testing"

	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/server"
)

// Jobs that were done long ago are forgotten, also where few come: River, which forgets them, runs only while there are some.
func TestDoneJobsAreForgotten(t *testing.T) {
	t.Parallel()
	r := run(t, countingService(&errands{}), config(t, pgtest.Service(t, counting, nil).ServiceURL), server.Options{})
	r.waitFor("/readyz", 200)
	if _, err := r.App().Pool.Exec(t.Context(), `INSERT INTO river_job (kind, args, max_attempts, state, finalized_at)
		SELECT 'errand', '{}', 1, 'completed', now() - interval '2 hours' FROM generate_series(1, 100)`); err != nil {
		t.Fatal(err)
	}
	r.ask("a", "wake") // no more than this one
	eventually(t, "the old ones are gone", func() bool {
		var rows int
		if err := r.App().Pool.QueryRow(t.Context(), "SELECT count(*) FROM river_job").Scan(&rows); err != nil {
			t.Fatal(err)
		}
		return r.noted("a") == "wake" && rows == 1
	})
}
