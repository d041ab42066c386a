package stock_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/es/estest"
	"waybill.dev/services/inventory/stock"
)

// Whatever happens, in whatever order: the shelves' invariant holds at every version, what is reserved is what the
// reservations have, every reservation ends once, and what is said of an order is said once and makes sense.
func TestShelvesAndReservationsAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		run := &run{log: estest.NewMemory(stock.Categories()...), lines: map[string]contracts.OrderPlaced{}}
		skus := []string{"a", "b", "c"}
		orders := []string{"o1", "o2", "o3", "o4"}
		for _, o := range orders {
			chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(skus), 1, 3, rapid.ID).Draw(r, "lines of "+o)
			e := contracts.OrderPlaced{}
			for _, sku := range chosen {
				e.Lines = append(e.Lines, contracts.OrderLine{SKU: sku, Quantity: rapid.Int64Range(1, 6).Draw(r, "wanted")})
			}
			run.lines[o] = e
		}
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			switch rapid.IntRange(0, 3).Draw(r, "what") {
			case 0:
				run.do(r, stock.Receive{Tenant: tenant, SKU: rapid.SampledFrom(skus).Draw(r, "sku"),
					Quantity: rapid.Int64Range(1, 8).Draw(r, "quantity"), Reference: rapid.SampledFrom([]string{"1", "2", "3"}).Draw(r, "reference")}.Command())
			case 1:
				run.do(r, stock.Adjust{Tenant: tenant, SKU: rapid.SampledFrom(skus).Draw(r, "sku"),
					Quantity: rapid.Int64Range(-8, 8).Draw(r, "difference"), Reason: "count"}.Command())
			default:
				o := rapid.SampledFrom(orders).Draw(r, "order")
				e := rapid.SampledFrom([]contracts.Event{
					run.lines[o], run.lines[o], contracts.PaymentAuthorized{}, contracts.PaymentAuthorized{},
					contracts.OrderShipped{}, contracts.ShipmentCancelled{}, contracts.ShippingFailed{},
					contracts.OrderResolved{Outcome: "completed"}, contracts.OrderResolved{Outcome: "cancelled"},
				}).Draw(r, "message")
				run.do(r, toldOf(t, o, e))
				if again, err := run.log.Run(toldOf(t, o, e)); err != nil || len(again.Facts) != 0 {
					r.Fatalf("told again: %v, %v", again.Facts, err)
				}
			}
			run.check(t, r)
		}
	})
}

type run struct {
	log   *estest.Memory
	lines map[string]contracts.OrderPlaced
}

// do runs a command; a refusal is a good answer, any other error is not.
func (run *run) do(r *rapid.T, c es.Command) {
	before := len(run.log.Facts)
	_, err := run.log.Run(c)
	var refusal *es.Refusal
	if err != nil && !errors.As(err, &refusal) {
		r.Fatal(err)
	}
	if err != nil && len(run.log.Facts) != before {
		r.Fatalf("refused, and facts were added: %v", run.log.Facts[before:])
	}
}

func (run *run) check(t *testing.T, r *rapid.T) {
	t.Helper()
	shelves := map[string]stock.Stock{}
	held := map[string]int64{} // by order and SKU
	orders := map[string]stock.Reservation{}
	ends := map[string]int{}
	for _, f := range run.log.Facts {
		switch e := f.Event.(type) {
		case stock.Event:
			s := stock.Stocks.Fold(shelves[f.Stream.ID], e)
			if s.Reserved < 0 || s.Reserved > s.OnHand || s.OnHand > stock.MaxOnHand {
				r.Fatalf("after %s of %s: %+v", e.Kind(), f.Stream, s)
			}
			shelves[f.Stream.ID] = s
			switch e := e.(type) {
			case stock.Reserved:
				held[e.Order+"/"+f.Stream.ID] += e.Quantity
			case stock.Released:
				held[e.Order+"/"+f.Stream.ID] -= e.Quantity
			case stock.Shipped:
				held[e.Order+"/"+f.Stream.ID] -= e.Quantity
			case stock.Received, stock.Adjusted:
			}
		case stock.ReservationEvent:
			was := orders[f.Stream.ID]
			is := stock.Reservations.Fold(was, e)
			if was.Status() != is.Status() && is.Ended() {
				ends[f.Stream.ID]++
			}
			if was.Ended() && was.Status() != is.Status() {
				r.Fatalf("%s: %s after its end, %s", f.Stream, is.Status(), was.Status())
			}
			orders[f.Stream.ID] = is
		}
	}
	reserved := map[string]int64{}
	for o, res := range orders {
		if res.Ended() != (ends[o] == 1) {
			r.Fatalf("%s ended %d times: %+v", o, ends[o], res)
		}
		for _, l := range run.lines[o].Lines {
			want := int64(0)
			if res.Status() == stock.StatusReserved {
				want = l.Quantity
			}
			if got := held[o+"/"+l.SKU]; got != want {
				r.Fatalf("%s is %s and holds %d of %s, want %d", o, res.Status(), got, l.SKU, want)
			}
			reserved[l.SKU] += want
		}
		if res.Ordered && res.Paid && res.Status() == stock.StatusWaiting {
			r.Fatalf("%s: ordered, paid, and forgotten", o)
		}
		if (res.OrderShipped || res.ShipmentCancelled || res.ShippingFailed || res.Resolved != "") && !res.Ended() {
			r.Fatalf("%s: its end was heard, and it is %s", o, res.Status())
		}
	}
	for sku, s := range shelves {
		if s.Reserved != reserved[sku] {
			r.Fatalf("of %s %d are reserved, and the reservations have %d", sku, s.Reserved, reserved[sku])
		}
	}
	run.checkSaid(t, r)
}

// checkSaid holds what each order's listeners hear against what may be said: reserved or failed at most once, and
// released at most once and never upon a failure.
func (run *run) checkSaid(t *testing.T, r *rapid.T) {
	t.Helper()
	heard := map[string]string{}
	for _, e := range run.log.Facts {
		for _, s := range said(t, []es.Fact{e}) {
			heard[e.Stream.ID] += fmt.Sprintf("%T ", s)
		}
	}
	for o, s := range heard {
		switch s {
		case "contracts.StockReserved ", "contracts.StockReservationFailed ", "contracts.StockReleased ",
			"contracts.StockReserved contracts.StockReleased ":
		default:
			r.Fatalf("of %s was said: %s", o, s)
		}
	}
}
