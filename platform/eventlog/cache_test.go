package eventlog_test

import (
	"testing"

	"waybill.dev/platform/pgtest"
)

// A failover to a standby that lagged behind, or a restore, takes back what had been committed and read.
func TestStatesOfLostCommitsAreForgotten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lose          string
		want, version int64
	}{
		"the last is lost":     {"DELETE FROM events WHERE version = 3", 3, 2},
		"all are lost":         {"TRUNCATE events, streams", 0, 0},
		"another took a place": {`UPDATE events SET id = gen_random_uuid(), data = '{"by":10}' WHERE version = 3`, 13, 3},
		"and more came":        {`UPDATE events SET id = gen_random_uuid(), version = version + 1 WHERE version = 3; UPDATE events SET version = 3 WHERE version = 4`, 7, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			access := pgtest.Service(t, service, nil)
			pool, owner := connect(t, access.ServiceURL), connect(t, access.OwnerURL)
			reader, writer := start(t, pool), start(t, pool)
			for _, by := range []int64{1, 2, 4} {
				must(t, writer, request(move("a", by)))
			}
			if got, version := balance(t, reader, "a"); got != 7 || version != 3 {
				t.Fatalf("balance %d at version %d", got, version)
			}
			if _, err := owner.Exec(t.Context(), "ALTER TABLE events DISABLE TRIGGER USER; ALTER TABLE streams DISABLE TRIGGER USER; "+c.lose); err != nil {
				t.Fatal(err)
			}
			if got, version := balance(t, reader, "a"); got != c.want || version != c.version {
				t.Errorf("balance %d at version %d, want %d at %d", got, version, c.want, c.version)
			}
			must(t, writer, request(move("a", 100)))
			if got, version := balance(t, reader, "a"); got != c.want+100 || version != c.version+1 {
				t.Errorf("after an append: balance %d at version %d, want %d at %d", got, version, c.want+100, c.version+1)
			}
		})
	}
}
