package sim_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// mutant is a mistake in a policy. Each old text stands in the file exactly once.
type mutant struct {
	name string
	file string // under services/
	old  []string
	by   []string
}

func change(name, file, old, by string) mutant {
	return mutant{name, file, []string{old}, []string{by}}
}

// mutants are mistakes that the simulation must notice.
func mutants() []mutant {
	return []mutant{
		change("payments: no tombstone", "payments/payment/next.go",
			"case !p.Authorized && p.TurnedBack():", "case false:"),
		change("payments: an unknown authorization is read as a no", "payments/payment/next.go",
			"case p.pending() >= 0:", "case p.pending() >= 0 && p.Authorized:"),
		change("payments: an unknown capture is read as a yes", "payments/payment/payment.go",
			"p.Attempts = append(slices.Clone(p.Attempts), Attempt{", "p.Captured = p.Captured || f.Operation == Capture\n\t\tp.Attempts = append(slices.Clone(p.Attempts), Attempt{"),
		change("payments: voids while a capture is unknown", "payments/payment/next.go",
			"case p.pending() >= 0:", "case p.pending() >= 0 && !(p.TurnedBack() && p.Authorized):"),
		change("payments: no refund after a capture", "payments/payment/next.go", "return Refund\n", "return \"\"\n"),
		change("payments: captures after the way back began", "payments/payment/next.go",
			"case p.TurnedBack(), p.CaptureAtOnce && p.refused(Capture):", "case p.TurnedBack() && !p.CaptureAtOnce, p.CaptureAtOnce && p.refused(Capture):"),
		{"payments: gives back before the parcel's answer", "payments/payment/policies.go",
			[]string{"contracts.OrderPlaced{}, contracts.OrderShipped{}, ", "case contracts.OrderCancellationRequested, "},
			[]string{"contracts.OrderPlaced{}, contracts.OrderCancellationRequested{}, contracts.OrderShipped{}, ",
				"case contracts.OrderCancellationRequested:\n\t\t\treturn TurnBack(id, StockReleased, at)\n\t\tcase "}},
		change("payments: a message counts twice", "payments/payment/ship.go", "if p.Shipped {", "if false {"),
		change("payments: takes the answer to another question", "payments/payment/settle.go",
			"if !ok || a.Key != outcome.Key || a.Operation != outcome.Operation {", "if _ = a; !ok {"),
		change("payments: takes the answer to an earlier try", "payments/payment/settle.go", "a.Key != outcome.Key || ", ""),
		change("payments: retries under the old key", "payments/payment/next.go", "n := p.attempts(op)", "n := 0"),
		change("payments: asks for nothing to be paid", "payments/payment/next.go", " || p.Amount.Amount == 0", ""),
		change("payments: a key that is not stored", "payments/payment/events.go", "Key string    `json:\"key\"`", "Key string    `json:\"-\"`"),
		change("payments: goes on behind a resolution", "payments/payment/next.go", "case p.Resolved, p.Over():", "case p.Over():"),
		change("payments: a retry lifts no refused capture", "payments/payment/retry.go",
			"[]Operation{Capture, Void, Refund}", "[]Operation{Void, Refund}"),
		change("payments: a retry that lifts nothing", "payments/payment/payment.go", "p.Attempts[i].Stands = false", "p.Attempts[i].Stands = p.Attempts[i].Operation == Capture"),
		change("payments: a refusal that nobody hears of", "payments/publish.go", "case f.Attention:", "case f.Attention && false:"),

		change("inventory: no tombstone", "inventory/stock/policies.go", "case r.ShipmentCancelled:", "case r.ShipmentCancelled && reserved:"),
		change("inventory: releases twice", "inventory/stock/reservation.go",
			"r.Reached == StatusFailed || r.Reached == StatusReleased ||", "r.Reached == StatusFailed ||"),
		change("inventory: reserves what others have reserved", "inventory/stock/reserve.go", "l.Quantity > shelf.Available()", "l.Quantity > shelf.OnHand"),
		change("inventory: reserves some of the lines", "inventory/stock/reserve.go", "for i, l := range r.Lines {\n\t\td.Facts", "for i, l := range r.Lines[:1] {\n\t\td.Facts"),
		change("inventory: reserves one piece of each line", "inventory/stock/policies.go",
			"Line{SKU: l.SKU, Quantity: l.Quantity}", "Line{SKU: l.SKU, Quantity: 1}"),
		change("inventory: the last piece is short", "inventory/stock/reserve.go", "l.Quantity > shelf.Available()", "l.Quantity >= shelf.Available()"),
		change("inventory: a message counts twice", "inventory/stock/policies.go", "if r.heard(heard) {", "if false {"),
		change("inventory: does not hear of a resolution", "inventory/stock/policies.go",
			"contracts.ShippingFailed{}, contracts.OrderResolved{},", "contracts.ShippingFailed{},"),
		change("inventory: ships what was settled as cancelled", "inventory/stock/policies.go",
			"r.Resolved == OutcomeCompleted", "r.Resolved != \"\""),
		change("inventory: releases what was settled as completed", "inventory/stock/policies.go",
			" || r.Resolved == OutcomeCompleted", ""),
		change("inventory: does not say that it released", "inventory/publish.go",
			"case stock.CauseShipmentCancelled, stock.CauseShippingFailed:", "case stock.CauseShippingFailed:"),

		change("shipping: no tombstone", "shipping/shipment/next.go",
			"case s.CancellationHeard && !s.IsBooked():", "case s.CancellationHeard && !s.IsBooked() && s.StockReserved:"),
		change("shipping: an unknown booking is read as a no", "shipping/shipment/next.go", "s.Asking != Attempt{} || ", ""),
		change("shipping: an unknown cancellation is read as a yes", "shipping/shipment/shipment.go",
			"s.Asking = Attempt{Operation: e.Operation, Number: e.Number}", "s.Asking = Attempt{Operation: e.Operation, Number: e.Number}\n\t\ts.Cancelled = s.Cancelled || e.Operation == Cancel"),
		change("shipping: a late pick-up does not refuse the cancellation", "shipping/shipment/next.go",
			"if s.CancellationHeard && !s.CancellationRefused {", "if s.CancellationHeard && !s.CancellationRefused && s.Asking.Operation == Book {"),
		change("shipping: books what was cancelled", "shipping/shipment/next.go", "s.HasFailed() || s.Cancelled:", "s.HasFailed():"),
		change("shipping: a pick-up is no answer to the booking", "shipping/shipment/report.go",
			"if !s.IsBooked() {", "if !s.IsBooked() && r.State == StateBooked {"),
		change("shipping: a refusal that comes late still counts", "shipping/shipment/cancel.go",
			"if !s.IsAsking(Attempt{Operation: Cancel, Number: number}) {", "if false {"),
		change("shipping: books behind a resolution", "shipping/shipment/next.go",
			"case s.Resolved || ", "case s.Resolved && (s.IsBooked() || s.CancellationHeard) || "),
		change("shipping: does not say that it failed", "shipping/publish.go",
			"return say(contracts.ShippingFailed{Code: e.Code})", "return nil"),

		change("orders: completed on shipping alone", "orders/order/order.go", "case o.Shipped != nil && o.Captured != nil:", "case o.Shipped != nil:"),
		change("orders: cancelled before the money is back", "orders/order/order.go",
			"case o.PaymentFailed != nil || o.Voided != nil || o.Refunded != nil:", "case o.PaymentFailed != nil || o.Voided != nil || o.Refunded != nil || o.Released != nil:"),
		change("orders: ends twice", "orders/order/order.go", "case o.Placed == nil || o.Ended():", "case o.Placed == nil:"),
		change("orders: a message counts twice", "orders/order/hear.go", "if o.Knows(h.Fact) {", "if false {"),
		change("orders: a deadline stops nothing", "orders/order/expire.go", "forward {", "forward && false {"),
		change("orders: notes another amount", "orders/order/policies.go",
			"PaymentCaptured{Amount: Money(e.Amount)", "PaymentCaptured{Amount: Money{Currency: e.Amount.Currency}"),
		change("orders: a refused cancellation still counts", "orders/order/status.go",
			"return o.Requested != nil && o.Refused == nil", "return o.Requested != nil"),
		change("orders: overrules what was said in time", "orders/order/expire.go", "e.Due.After(x.Read)", "e.Due.After(x.At)"),
		change("orders: resolves what needs nobody", "orders/order/resolve.go", "case o.Attention() == \"\":", "case false:"),
		change("orders: does not say that it was cancelled", "orders/publish.go",
			"return []contracts.Event{contracts.OrderCancelled{Reason: e.Reason}}", "return nil"),

		change("notifications: tells nobody that the cancellation was refused", "notifications/mail/policies.go",
			"return Owe(id, CancellationRefused, \"\")", "return es.Nothing()"),
		change("notifications: tells of a delivery as of the shipping", "notifications/mail/policies.go",
			"return Owe(id, OrderDelivered, \"\")", "return Owe(id, OrderShipped, \"\")"),
		change("notifications: a mail for every copy", "notifications/mail/owe.go", "if _, owed := m.Find(kind); owed {", "if false {"),
		change("notifications: forgets what it held", "notifications/mail/owe.go", "for _, held := range m.Mails {", "for _, held := range m.Mails[:0] {"),
	}
}

// TestMutants: each mistake is noticed within 20,000 runs.
func TestMutants(t *testing.T) {
	t.Parallel()
	services, err := filepath.Abs("../../services")
	if err != nil {
		t.Fatal(err)
	}
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			out, err := exec.CommandContext(t.Context(), m.build(t, services), "-runs", "20000", "-brief").CombinedOutput()
			if err == nil {
				t.Fatalf("20,000 runs, and nobody noticed\n%s", out)
			}
			if !strings.Contains(string(out), " fails: ") { // it ended otherwise than by a finding
				t.Fatalf("%v\n%s", err, out)
			}
			first, _, _ := strings.Cut(string(out), " runs")
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			t.Logf("noticed after %s runs: %s", first, lines[len(lines)-1])
		})
	}
}

// TestASimpleHistory: what is shown of a run that fails is hardly more than what makes it fail.
func TestASimpleHistory(t *testing.T) {
	t.Parallel()
	services, err := filepath.Abs("../../services")
	if err != nil {
		t.Fatal(err)
	}
	m := change("", "inventory/stock/reserve.go", "l.Quantity > shelf.Available()", "l.Quantity > shelf.OnHand")
	out, err := exec.CommandContext(t.Context(), m.build(t, services)).Output()
	if err == nil {
		t.Fatalf("nobody noticed\n%s", out)
	}
	_, history, _ := strings.Cut(string(out), "the simplest run like it")
	for what, most := range map[string]int{"\n": 75, `"place"`: 2, "crashes": 0, "attention": 0, "cancel": 0, " 0d ": 70} {
		if n := strings.Count(history, what); n > most {
			t.Errorf("%q stands %d times in what is shown\n%s", what, n, history)
		}
	}
	if !strings.Contains(history, "found: 4 ") {
		t.Errorf("what was found is not told\n%s", history)
	}
}

// build builds the simulation with the mistake in it.
func (m mutant) build(t *testing.T, services string) string {
	t.Helper()
	folder := t.TempDir()
	file := filepath.Join(services, m.file)
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	for i, old := range m.old {
		if n := strings.Count(text, old); n != 1 {
			t.Fatalf("%q stands in %s %d times", old, m.file, n)
		}
		text = strings.Replace(text, old, m.by[i], 1)
	}
	mutated, overlay, binary := filepath.Join(folder, "mutant.go"), filepath.Join(folder, "overlay.json"), filepath.Join(folder, "sim")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {file: mutated}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{mutated: []byte(text), overlay: replace} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-ldflags=-s -w", "-o", binary, "./cmd/sim")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%w: %s", err, out))
	}
	return binary
}
