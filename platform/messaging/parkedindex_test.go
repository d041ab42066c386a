package messaging_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
)

// aNode is a node of a plan that reads a table or sorts, with its index.
var aNode = regexp.MustCompile(`(?:Index Scan using \w+|Seq Scan|Bitmap Heap Scan|Sort)\b`)

// Among very many that have ended, those that are open are found and put in order by an index, under the one plan for
// all arguments that services have.
func TestOpenMessagesHaveTheirIndex(t *testing.T) {
	t.Parallel()
	access := pgtest.Service(t, service, nil)
	owner, err := pgx.Connect(t.Context(), access.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(t.Context())
	for _, sql := range []string{`
INSERT INTO messaging.parked_messages (id, topic, headers, tenant, subject, message_id, event_type, error, parked_at, state)
SELECT gen_random_uuid(), 'topic', '{}', CASE WHEN i % 10 < 8 THEN 'default' ELSE 'tenant-' || i % 10 END, 'order-' || i / 3, i, 'type', 'error',
	now() - i * interval '1 minute', CASE WHEN i % 300 = 0 THEN 'parked' WHEN i % 2 = 0 THEN 'redriven' ELSE 'discarded' END
FROM generate_series(1, 60000) AS i`, `VACUUM ANALYZE messaging.parked_messages`} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	pool, err := postgres.Open(t.Context(), access.ServiceURL, postgres.Options{Service: service, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	after := &messaging.Cursor{}
	for name, c := range map[string]struct {
		filter messaging.Filter
		after  *messaging.Cursor
		want   string
	}{
		"open":                     {messaging.Filter{State: messaging.StateParked}, nil, "parked_messages_open_by_age"},
		"more":                     {messaging.Filter{State: messaging.StateParked}, after, "parked_messages_open_by_age"},
		"open, of a tenant":        {messaging.Filter{State: messaging.StateParked, Tenant: "default"}, nil, "parked_messages_open_by_age"},
		"open, by error and since": {messaging.Filter{State: messaging.StateParked, Error: "bug", Since: time.Now()}, nil, "parked_messages_open_by_age"},
		"ended, of a tenant":       {messaging.Filter{State: messaging.StateRedriven, Tenant: "default"}, after, "parked_messages_of_tenant"},
		"all of a tenant":          {messaging.Filter{Tenant: "default"}, nil, "parked_messages_of_tenant"},
	} {
		query, arguments := messaging.ListQuery(c.filter, c.after)
		if _, err := pool.Exec(t.Context(), "DEALLOCATE ALL; PREPARE listed AS "+query, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		// One plan for all arguments looks at none of them.
		rows, err := pool.Query(t.Context(), "EXPLAIN EXECUTE listed ("+strings.TrimSuffix(strings.Repeat("NULL,", arguments), ",")+")", pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		diff(t, name, aNode.FindAllString(strings.Join(plan, "\n"), -1), []string{"Index Scan using " + c.want})
	}
}
