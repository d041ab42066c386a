package verify

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/tests/world"
)

// damage is something that went wrong behind everybody's back, and what is to be found.
type damage struct {
	name string
	way  string
	do   func(t *testing.T, g ground, o world.Order)
	// want are the statements that are found not to hold of the order, shelf those of the SKU that it is about, and
	// nobody those of an order that nobody has placed.
	want, shelf, nobody []int
}

// unknown is the id of an order that nobody has placed.
const unknown = "nobody"

func TestEachDamageIsFoundAndNothingElse(t *testing.T) {
	t.Parallel()
	whole := newGround(t, "whole", nil)
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		g := whole.copy(t)
		g.admin = g.auditor(t)
		r := g.audit(t, true)
		if !r.Clean || r.Orders != 60 || r.OK+r.Attention != r.Orders || r.Attention == 0 || r.Shelves == 0 {
			show(t, r)
			t.Errorf("%+v", r)
		}
	})
	for _, d := range damages() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			g := whole.copy(t)
			o := g.first(d.way)
			d.do(t, g, o)
			r := g.audit(t, false)
			want := map[string][]int{}
			for subject, statements := range map[string][]int{
				o.Tenant + "/" + o.ID: d.want, o.Tenant + "/" + g.sku(t, o): d.shelf, world.Plain + "/" + unknown: d.nobody,
			} {
				if statements != nil {
					want[subject] = statements
				}
			}
			if diff := cmp.Diff(want, wrong(r)); diff != "" || r.Clean {
				show(t, r)
				t.Errorf("clean: %v, (-want +got):\n%s", r.Clean, diff)
			}
		})
	}
}

// sku is what the order is about.
func (g ground) sku(t *testing.T, o world.Order) (sku string) {
	t.Helper()
	g.query(t, &sku, `SELECT data->'lines'->0->>'sku' FROM orders.events WHERE stream = $1 AND version = 1`, o.Tenant+"/order/"+o.ID)
	return sku
}

// add is a fact more at the end of a stream.
func add(service, category, kind, data string) func(*testing.T, ground, world.Order) {
	return func(t *testing.T, g ground, o world.Order) {
		g.exec(t, fmt.Sprintf(`INSERT INTO %[1]s.events (stream, version, id, kind, data, at, correlation_id, causation_id, trace_parent)
			SELECT stream, max(version) + 1, gen_random_uuid(), $2, $3, max(at), '', 'a test', '' FROM %[1]s.events WHERE stream = $1 GROUP BY stream`,
			service), o.Tenant+"/"+category+"/"+o.ID, kind, data)
	}
}

// edit changes a part of the facts of a kind, which the fact has to have.
func edit(service, category, kind, old, by string) func(*testing.T, ground, world.Order) {
	return func(t *testing.T, g ground, o world.Order) {
		stream := o.Tenant + "/" + category + "/" + o.ID
		where := fmt.Sprintf(` FROM %s.events WHERE stream = $1 AND kind = $2 AND strpos(data::text, $3) > 0`, service)
		var n int
		if g.query(t, &n, `SELECT count(*)`+where, stream, kind, old); n == 0 {
			t.Fatalf("no %s of the order has %s", kind, old)
		}
		g.exec(t, fmt.Sprintf(`UPDATE %s.events SET data = replace(data::text, $3, $4)::json WHERE stream = $1 AND kind = $2`, service),
			stream, kind, old, by)
	}
}

// sql is a statement about the order, $1 its tenant and $2 its id.
func sql(statements ...string) func(*testing.T, ground, world.Order) {
	return func(t *testing.T, g ground, o world.Order) {
		for _, s := range statements {
			if strings.HasPrefix(s, "ALTER") {
				g.exec(t, s)
				continue
			}
			g.exec(t, s, o.Tenant, o.ID)
		}
	}
}

// book changes the lines of a simulator's journal that name the order, and may add to them.
func book(simulator string, change func(line string, o world.Order) []string) func(*testing.T, ground, world.Order) {
	return func(t *testing.T, g ground, o world.Order) {
		changed := false
		g.write(t, simulator, func(lines []string) (all []string) {
			for _, line := range lines {
				if !strings.Contains(line, o.ID) {
					all = append(all, line)
					continue
				}
				now := change(line, o)
				changed = changed || len(now) != 1 || now[0] != line
				all = append(all, now...)
			}
			return all
		})
		if !changed {
			t.Fatalf("the books of %s are as they were", simulator)
		}
	}
}

// of is a condition that holds for the order's stream.
func of(category string) string { return fmt.Sprintf(`stream = $1 || '/%s/' || $2`, category) }

// withoutEnd takes the end of a completed order away.
func withoutEnd(t *testing.T, g ground, o world.Order) {
	t.Helper()
	sql(`DELETE FROM orders.events WHERE `+of("order")+` AND version >= (SELECT version FROM orders.events WHERE `+
		of("order")+` AND kind = 'order.completed')`)(t, g, o)
}

func damages() []damage {
	return []damage{
		{
			name: "two ends", way: world.Completed, want: []int{1, 6},
			do: add(suite.Orders, "order", "order.completed", `{"total":{"amount":1999,"currency":"EUR"}}`),
		},
		{
			name: "no end", way: world.Completed, want: []int{1, 2, 6, 7},
			do: withoutEnd,
		},
		{
			name: "an answer behind a resolution, to nothing that was asked", way: world.SettledByHand, want: []int{1},
			do: add(suite.Payments, "payment", "payment.refused", `{"operation":"refund","code":"x"}`),
		},
		{
			name: "taken is less than owed", way: world.Completed, want: []int{2, 3, 5},
			do: book(suite.Provider, func(line string, _ world.Order) []string {
				if strings.Contains(line, `"operation":"capture"`) {
					line = strings.Replace(line, `"amount":1999`, `"amount":1998`, 1)
				}
				return []string{line}
			}),
		},
		{
			name: "a hold is left behind", way: world.Cancelled, want: []int{2, 5},
			do: book(suite.Provider, func(line string, _ world.Order) []string {
				if strings.Contains(line, `"operation":"void"`) {
					return nil
				}
				return []string{line}
			}),
		},
		{
			name: "refunded and shipped", way: world.Completed, want: []int{2, 3, 5},
			do: book(suite.Provider, func(line string, o world.Order) []string {
				if !strings.Contains(line, `"operation":"capture"`) {
					return []string{line}
				}
				return []string{line, strings.ReplaceAll(line, "capture", "refund")}
			}),
		},
		{
			name: "a parcel of a cancelled order is gone", way: world.Cancelled, want: []int{3, 4, 5},
			do: func(t *testing.T, g ground, o world.Order) {
				var id string
				g.query(t, &id, `SELECT data->>'bookingId' FROM shipping.events WHERE kind = 'shipment.booked' AND stream = $1`, o.Tenant+"/shipment/"+o.ID)
				g.write(t, suite.Carrier, func(lines []string) (all []string) {
					for _, line := range lines {
						if strings.Contains(line, `"kind":"cancel"`) && strings.Contains(line, id) {
							line = fmt.Sprintf(`{"kind":"picked_up","at":"2026-01-01T00:00:00Z","booking":%q}`, id)
						}
						all = append(all, line)
					}
					return all
				})
			},
		},
		{
			name: "oversold", way: world.Completed, shelf: []int{4, 7},
			do: sql(`UPDATE inventory.events SET data = '{"order":"` + unknown + `","quantity":2000000000}'
				WHERE kind = 'stock.reserved' AND data->>'order' = $2 AND $1 <> ''`),
		},
		{
			name: "a reservation that never ended", way: world.Cancelled, want: []int{4, 6},
			do: func(t *testing.T, g ground, o world.Order) {
				sql(`DELETE FROM inventory.events WHERE `+of("reservation")+` AND kind = 'reservation.released'`,
					`UPDATE inventory.events SET kind = 'stock.adjusted', data = '{"quantity":0,"reason":"gone"}' WHERE kind = 'stock.released'
						AND data->>'order' = $2 AND $1 <> ''`,
					`UPDATE inventory.stock_levels SET reserved = reserved + 1 WHERE tenant = $1 AND sku = (
						SELECT data->'lines'->0->>'sku' FROM orders.events WHERE `+of("order")+` AND version = 1)`)(t, g, o)
			},
		},
		{
			name: "a reservation that its shelf does not know", way: world.Cancelled, shelf: []int{4, 7},
			do: sql(`UPDATE inventory.events SET kind = 'stock.adjusted', data = '{"quantity":0,"reason":"gone"}' WHERE kind = 'stock.released'
				AND data->>'order' = $2 AND $1 <> ''`),
		},
		{
			name: "reserved is not what was ordered", way: world.Completed, want: []int{4},
			do: edit(suite.Inventory, "reservation", "reservation.order-heard", `"quantity":1`, `"quantity":9`),
		},
		{
			name: "a delivery counted otherwise", way: world.Completed, shelf: []int{4},
			do: sql(`UPDATE inventory.events SET data = '{"quantity":9}' WHERE stream = $1 || '/receipt/' || (
				SELECT data->'lines'->0->>'sku' FROM orders.events WHERE ` + of("order") + ` AND version = 1) || '/delivery'`),
		},
		{
			name: "a charge for nobody", way: world.Completed, nobody: []int{5},
			do: book(suite.Provider, func(line string, o world.Order) []string {
				if !strings.Contains(line, `"operation":"authorize"`) {
					return []string{line}
				}
				return []string{line, other(strings.ReplaceAll(line, o.ID, unknown), "pay_")}
			}),
		},
		{
			name: "a parcel for nobody", way: world.Completed, nobody: []int{5},
			do: book(suite.Carrier, func(line string, o world.Order) []string {
				if !strings.Contains(line, `"kind":"booked"`) {
					return []string{line}
				}
				return []string{line, other(strings.ReplaceAll(line, o.ID, unknown), "bkg_")}
			}),
		},
		{
			name: "two charges", way: world.Completed, want: []int{2, 5},
			do: book(suite.Provider, func(line string, _ world.Order) []string {
				if !strings.Contains(line, `"operation":"authorize"`) {
					return []string{line}
				}
				return []string{line, other(strings.ReplaceAll(line, "authorize/0", "authorize/1"), "pay_")}
			}),
		},
		{
			name: "two parcels", way: world.Completed, want: []int{5},
			do: book(suite.Carrier, func(line string, _ world.Order) []string {
				if !strings.Contains(line, `"kind":"booked"`) {
					return []string{line}
				}
				return []string{line, other(strings.ReplaceAll(line, "book/0", "book/1"), "bkg_")}
			}),
		},
		{
			name: "an operation twice", way: world.Completed, want: []int{5},
			do: book(suite.Provider, func(line string, _ world.Order) []string {
				if !strings.Contains(line, `"operation":"capture"`) {
					return []string{line}
				}
				return []string{line, line}
			}),
		},
		{
			name: "another amount taken than the provider's", way: world.Completed, want: []int{2, 6},
			do: edit(suite.Payments, "payment", "payment.captured", `"amount":1999`, `"amount":1`),
		},
		{
			name: "another amount heard", way: world.Completed, want: []int{6},
			do: edit(suite.Orders, "order", "order.payment-captured", `"amount":1999`, `"amount":1`),
		},
		{
			name: "another total at the end", way: world.Completed, want: []int{2, 6},
			do: edit(suite.Orders, "order", "order.completed", `"amount":1999`, `"amount":1`),
		},
		{
			name: "another tracking number picked up", way: world.Completed, want: []int{5, 6},
			do: edit(suite.Shipping, "shipment", "shipment.picked-up", `"trackingNumber":"`, `"trackingNumber":"X`),
		},
		{
			name: "another address", way: world.Completed, want: []int{6},
			do: edit(suite.Shipping, "shipment", "shipment.order-heard", `"line1":"`, `"line1":"X`),
		},
		{
			name: "another mail address", way: world.Completed, want: []int{6},
			do: edit(suite.Notifications, "mail", "mail.contact-heard", `"email":"`, `"email":"x`),
		},
		{
			name: "a mail of something else", way: world.Completed, want: []int{1, 6},
			do: edit(suite.Notifications, "mail", "mail.due", `"mail":"order-delivered"`, `"mail":"cancellation-refused"`),
		},
		{
			name: "a fact is missing", way: world.Completed, want: []int{1, 6},
			do: sql(`DELETE FROM notifications.events WHERE ` + of("mail") + ` AND version = 3`),
		},
		{
			name: "the log is out of order", way: world.Completed, want: []int{6},
			do: sql(`ALTER TABLE payments.events ALTER COLUMN position DROP IDENTITY`,
				`UPDATE payments.events SET position = position + 1000000 WHERE `+of("payment")+` AND version = 1`),
		},
		{
			name: "a message was handled in two transactions", way: world.Completed, want: []int{6},
			do: sql(`UPDATE payments.events SET transaction_id = '3' WHERE ` + of("payment") + ` AND version = 1`),
		},
		{
			name: "an effect twice", way: world.Completed, want: []int{6},
			do: add(suite.Payments, "payment", "payment.shipment-heard", `{}`),
		},
		{
			name: "a message that was never heard", way: world.Completed, want: []int{6},
			do: sql(`DELETE FROM shipping.events WHERE `+of("shipment")+` AND kind = 'shipment.order-heard'`,
				`UPDATE shipping.events SET version = version - 1 WHERE `+of("shipment")),
		},
		{
			name: "a fact that nobody can read", way: world.Completed, want: []int{6},
			do: add(suite.Notifications, "mail", "mail.burnt", `{}`),
		},
		{
			name: "another status in the table of orders", way: world.Completed, want: []int{7},
			do: sql(`UPDATE orders.orders SET status = 'shipped' WHERE tenant = $1 AND id = $2`),
		},
		{
			name: "another time in the table of orders", way: world.Completed, want: []int{7},
			do: sql(`UPDATE orders.orders SET updated_at = updated_at - interval '1s' WHERE tenant = $1 AND id = $2`),
		},
		{
			name: "a deadline in the table of orders", way: world.Completed, want: []int{7},
			do: sql(`UPDATE orders.orders SET next_step = 'capture', due_at = now() WHERE tenant = $1 AND id = $2`),
		},
		{
			name: "no row in the table of orders", way: world.Completed, want: []int{7},
			do: sql(`DELETE FROM orders.orders WHERE tenant = $1 AND id = $2`),
		},
		{
			name: "a row of nobody's order", way: world.Completed, nobody: []int{7},
			do: sql(`INSERT INTO orders.orders SELECT tenant, '` + unknown + `', customer_id, status, attention, total_amount, total_currency,
				placed_at, updated_at, next_step, due_at FROM orders.orders WHERE tenant = $1 AND id = $2`),
		},
		{
			name: "a parcel is polled for ever", way: world.Completed, want: []int{7},
			do: sql(`INSERT INTO shipping.open_parcels VALUES ($1, $2, 'bkg_1', now(), 0)`),
		},
		{
			name: "a stream is not listed", way: world.Completed, want: []int{7},
			do: sql(`DELETE FROM payments.streams WHERE ` + of("payment")),
		},
		{
			name: "another stock level", way: world.Completed, shelf: []int{7},
			do: sql(`UPDATE inventory.stock_levels SET on_hand = on_hand + 1 WHERE tenant = $1 AND sku = (
				SELECT data->'lines'->0->>'sku' FROM orders.events WHERE ` + of("order") + ` AND version = 1)`),
		},
		{
			name: "a snapshot of another state", way: world.Completed, shelf: []int{7},
			do: sql(`INSERT INTO inventory.snapshots SELECT $1 || '/stock/' || (data->'lines'->0->>'sku'), 2, 1, '{"onHand":1,"reserved":0}'
				FROM orders.events WHERE ` + of("order") + ` AND version = 1`),
		},
		{
			name: "a cancellation that was never answered", way: world.TooLate, want: []int{6, 8},
			do: sql(`DELETE FROM shipping.events WHERE `+of("shipment")+` AND kind IN ('shipment.cancellation-heard', 'shipment.cancellation-refused')`,
				`UPDATE shipping.events SET version = version + 1000 WHERE `+of("shipment"),
				`UPDATE shipping.events e SET version = n FROM (SELECT id, row_number() OVER (ORDER BY version) AS n FROM shipping.events WHERE `+
					of("shipment")+`) AS numbered WHERE e.id = numbered.id`),
		},
	}
}

// other gives the name that begins with the prefix another end.
func other(line, prefix string) string {
	i := strings.Index(line, prefix) + len(prefix)
	name := line[i : i+32]
	return strings.ReplaceAll(line, name, strings.Repeat("f", 32))
}
