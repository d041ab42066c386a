package orders

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
	"waybill.dev/services/orders/order"
)

// manyOrders is a table of n orders of twenty tenants, two in a hundred with attention, one in a hundred overdue at noon
// and one in three waiting, cleaned as a table is after a while.
func manyOrders(t *testing.T, n int) *pgxpool.Pool {
	t.Helper()
	own, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	access := pgtest.Service(t, "orders", own)
	pool, err := postgres.Open(t.Context(), access.ServiceURL, postgres.Options{Service: "orders", MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if _, err := pool.Exec(t.Context(), `
INSERT INTO orders (tenant, id, customer_id, status, attention, total_amount, total_currency, placed_at, updated_at, next_step, due_at)
SELECT 'tenant-' || i % 20, to_char(i, 'FM000000'), 'customer-' || i % 500,
       CASE WHEN waits THEN 'reserved' WHEN troubled THEN 'shipped' ELSE 'completed' END,
       CASE WHEN NOT troubled THEN '' WHEN i % 200 = 1 THEN 'capture refused: card_expired; capture is overdue' ELSE 'void refused: gone' END,
       1, 'EUR', $2::timestamptz - i * interval '1 minute', $2,
       CASE WHEN waits THEN 'shipment' END,
       CASE WHEN waits THEN $2 + CASE WHEN i % 100 = 2 THEN -i ELSE i END * interval '1 second' END
FROM (SELECT i, i % 50 = 1 AS troubled, i % 3 = 0 OR i % 100 = 2 AS waits FROM generate_series(1, $1::int) i) made
WHERE NOT (troubled AND waits)`, n, noon); err != nil {
		t.Fatal(err)
	}
	owner, err := pgx.Connect(t.Context(), access.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(t.Context())
	if _, err := owner.Exec(t.Context(), "VACUUM ANALYZE orders.orders"); err != nil {
		t.Fatal(err)
	}
	return pool
}

// plan is what PostgreSQL would do, whatever the arguments are, as it does for services: the kinds of its nodes, and the
// indexes that they go along.
func plan(t *testing.T, pool *pgxpool.Pool, sql string) (nodes, indexes []string) {
	t.Helper()
	type node struct {
		Type  string `json:"Node Type"`
		Index string `json:"Index Name"`
		Plans []node
	}
	var text string
	err := pool.AcquireFunc(t.Context(), func(conn *pgxpool.Conn) error {
		prepared, err := conn.Conn().Prepare(t.Context(), "planned", sql)
		if err != nil {
			return err
		}
		arguments := strings.TrimSuffix(strings.Repeat("NULL,", len(prepared.ParamOIDs)), ",")
		err = conn.QueryRow(t.Context(), "EXPLAIN (FORMAT JSON) EXECUTE planned ("+arguments+")").Scan(&text)
		return errors.Join(err, conn.Conn().Deallocate(t.Context(), "planned"))
	})
	if err != nil {
		t.Fatal(err)
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal([]byte(text), &plans); err != nil {
		t.Fatal(err)
	}
	var walk func(node)
	walk = func(n node) {
		nodes = append(nodes, n.Type)
		if n.Index != "" {
			indexes = append(indexes, n.Index)
		}
		for _, p := range n.Plans {
			walk(p)
		}
	}
	walk(plans[0].Plan)
	return nodes, indexes
}

// Each list goes along the index that is made for it, and sorts nothing.
func TestEveryFilterHasItsIndex(t *testing.T) {
	t.Parallel()
	pool := manyOrders(t, 60_000)
	yes, no := new(true), new(false)
	behind, behindDue := place{noon.Add(-100 * time.Minute), "x"}, duePlace{noon.Add(-time.Hour), "x"}
	for name, c := range map[string]struct {
		filter filter
		after  any
		index  string
	}{
		"all":               {filter{}, nil, "orders_by_age"},
		"a status":          {filter{Status: "shipped"}, behind, "orders_by_status"},
		"a customer":        {filter{Customer: "customer-7"}, behind, "orders_by_customer"},
		"attention":         {filter{Attention: yes}, nil, "orders_by_attention"},
		"more attention":    {filter{Attention: yes}, behind, "orders_by_attention"},
		"no attention":      {filter{Attention: no}, behind, "orders_by_age"},
		"overdue":           {filter{Overdue: yes}, nil, "orders_by_due"},
		"more overdue":      {filter{Overdue: yes}, behindDue, "orders_by_due"},
		"not overdue":       {filter{Overdue: no}, behind, "orders_by_age"},
		"reserved, overdue": {filter{Overdue: yes, Status: "reserved"}, nil, "orders_by_due"},
	} {
		c.filter.Tenant, c.filter.At = "tenant-1", noon
		sql, _ := listQuery(c.filter, c.after, 51)
		nodes, indexes := plan(t, pool, sql)
		if !slices.Equal(indexes, []string{c.index}) || !slices.Equal(nodes, []string{"Limit", "Index Scan"}) {
			t.Errorf("%s: %v along %v, want an index scan of %s", name, nodes, indexes, c.index)
		}
	}
	if nodes, indexes := plan(t, pool, nextOverdue); !slices.Contains(indexes, "orders_by_due") || slices.Contains(nodes, "Sort") {
		t.Errorf("to be judged: %v along %v, want an index scan of orders_by_due", nodes, indexes)
	}
	for index, sql := range map[string]string{"orders_by_attention": countAttention, "orders_by_due": countOverdue} {
		nodes, indexes := plan(t, pool, sql)
		if !slices.Equal(indexes, []string{index}) || !slices.Contains(nodes, "Index Only Scan") {
			t.Errorf("metrics: %v along %v, want an index-only scan of %s", nodes, indexes, index)
		}
	}
}

// An order that waits for parked messages is not judged: it takes no place among those that can be.
func TestWhatWaitsForParkedMessagesIsNotJudged(t *testing.T) {
	t.Parallel()
	pool := manyOrders(t, 600)
	first := func() overdue {
		t.Helper()
		rows, err := overdueBy(t.Context(), pool, noon, overdue{}, 1)
		if err != nil || len(rows) != 1 {
			t.Fatalf("%v, %v", rows, err)
		}
		return rows[0]
	}
	held := first()
	if _, err := pool.Exec(t.Context(), `INSERT INTO parked_messages (id, topic, headers, tenant, subject, message_id, event_type, error, ordered)
		VALUES (gen_random_uuid(), 't', '{}', $1, $2, 'm', 'x', 'no', true)`, held.Tenant, held.ID); err != nil {
		t.Fatal(err)
	}
	if next := first(); next == held || next.Due.Before(held.Due) {
		t.Errorf("%+v is judged before %+v", next, held)
	}
	if _, err := pool.Exec(t.Context(), "UPDATE parked_messages SET state = 'redriven'"); err != nil {
		t.Fatal(err)
	}
	if again := first(); again != held {
		t.Errorf("%+v is judged, and %+v no longer waits", again, held)
	}
}

// Whatever is asked together, and page by page, comes to the orders for which all of it is true.
func TestFiltersTogether(t *testing.T) {
	t.Parallel()
	pool := manyOrders(t, 6000)
	all, err := list(t.Context(), pool, filter{Tenant: "tenant-1"}, nil, 1000)
	if err != nil || len(all) < 100 {
		t.Fatalf("%d orders, %v", len(all), err)
	}
	is := func(wanted *bool, really bool) bool { return wanted == nil || *wanted == really }
	some := 0
	for _, attention := range []*bool{nil, new(true), new(false)} {
		for _, overdue := range []*bool{nil, new(true), new(false)} {
			for _, status := range []string{"", "reserved", "shipped", "completed"} {
				for _, customer := range []string{"", "customer-2", "customer-1"} {
					f := filter{Tenant: "tenant-1", Status: status, Customer: customer, Attention: attention, Overdue: overdue, At: noon}
					var want []string
					for _, r := range all {
						late := r.DueAt != nil && !r.DueAt.After(noon)
						if is(attention, r.Attention != "") && is(overdue, late) && (status == "" || status == string(r.Status)) && (customer == "" || customer == r.CustomerID) {
							want = append(want, r.ID)
						}
					}
					if f.byDue() { // the longer ago one of these was placed, the longer it is overdue
						slices.Reverse(want)
					}
					if got := everyPage(t, pool, f); !slices.Equal(got, want) {
						t.Errorf("%+v: %v, want %v", f, got, want)
					}
					some += len(want)
				}
			}
		}
	}
	if some == 0 {
		t.Error("nothing was found at all")
	}
}

// everyPage reads the list by its cursors, two orders at a time.
func everyPage(t *testing.T, pool *pgxpool.Pool, f filter) (ids []string) {
	t.Helper()
	for cursor := ""; ; {
		after, err := f.place(cursor)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := list(t.Context(), pool, f, after, 3)
		if err != nil {
			t.Fatal(err)
		}
		page, err := f.shownPage(rows, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Body.Items {
			ids = append(ids, o.ID)
		}
		if cursor = page.Body.NextCursor; cursor == "" {
			return ids
		}
	}
}

// tell collects the metrics, "orders_overdue shipment" by name and label.
func tell(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			if v := m.GetGauge().GetValue(); v != 0 {
				told[name] = v
			}
		}
	}
	return told
}

func TestTroublesAreCounted(t *testing.T) {
	t.Parallel()
	pool := manyOrders(t, 600)
	if _, err := pool.Exec(t.Context(), `UPDATE orders SET attention = $2 WHERE attention = 'void refused: gone' AND id < $1`,
		"000110", "teleport refused: "+strings.Repeat("x", 5000)); err != nil {
		t.Fatal("a code of any length must fit: ", err)
	}
	counted := newTroubles(pool, countMost)
	told := tell(t, counted)
	age := told["orders_overdue_oldest_age_seconds"]
	if since := time.Since(noon).Seconds(); age < since || age > since+602+60 {
		t.Errorf("the oldest is %v s overdue, and noon was %v s ago", age, since)
	}
	delete(told, "orders_overdue_oldest_age_seconds")
	want := map[string]float64{
		"orders_attention capture_refused": 2, "orders_attention capture_overdue": 2, "orders_attention void_refused": 5,
		"orders_attention other": 1,
	}
	var waiting, troubled float64
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE due_at IS NOT NULL), count(*) FILTER (WHERE attention <> '') FROM orders`).
		Scan(&waiting, &troubled); err != nil {
		t.Fatal(err)
	}
	want["orders_overdue shipment"] = waiting // by now all of them are overdue
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("of %v with attention (-want +told):\n%s", troubled, diff)
	}
	// It is counted seldom, however often it is asked.
	if _, err := pool.Exec(t.Context(), `UPDATE orders SET due_at = NULL, next_step = NULL, attention = ''`); err != nil {
		t.Fatal(err)
	}
	if again := tell(t, counted); again["orders_overdue shipment"] != waiting {
		t.Errorf("counted again at once: %v", again)
	}
	counted.counted = time.Time{}
	if again := tell(t, counted); len(again) != 0 {
		t.Errorf("nobody need look, but %v", again)
	}
}

func TestTroublesAreCountedUpToABound(t *testing.T) {
	t.Parallel()
	if told := tell(t, newTroubles(manyOrders(t, 600), 4)); told["orders_overdue shipment"] != 4 {
		t.Errorf("%v", told)
	}
}

func TestWithoutADatabaseNothingIsTold(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/none?connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if told := tell(t, newTroubles(pool, 4)); len(told) != 0 {
		t.Errorf("%v", told)
	}
}

// Every reason that an order can give has a label of its own.
func TestEveryReasonHasItsLabel(t *testing.T) {
	t.Parallel()
	o := order.Evolve(order.Order{}, order.Placed{})
	for _, operation := range []string{"capture", "void", "refund"} {
		o = order.Evolve(o, order.PaymentAttentionRequired{Operation: operation, Code: "c"})
	}
	o = order.Evolve(o, order.ShipmentAttentionRequired{Operation: "cancel", Code: "c"})
	for _, step := range order.Steps() {
		o = order.Evolve(o, order.DeadlineMissed{Step: step})
	}
	var labels []string
	for _, reason := range strings.Split(o.Attention(), "; ") {
		kind, _, _ := strings.Cut(reason, ": ")
		labels = append(labels, reasonOf(kind))
	}
	if diff := cmp.Diff(knownReasons(), labels); diff != "" {
		t.Errorf("%s: %s", o.Attention(), diff)
	}
	if got := reasonOf(fmt.Sprintf("%s refused", "teleport")); got != reasonOther {
		t.Error(got)
	}
}
