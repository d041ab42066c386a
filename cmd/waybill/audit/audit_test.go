package audit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"waybill.dev/cmd/waybill/audit"
	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
	"waybill.dev/simulators/carrier"
	"waybill.dev/simulators/provider"
)

func TestNothingIsWrong(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]audit.Evidence{
		"completed": completed(), "cancelled": cancelled(), "out of stock": outOfStock(), "with attention": unpaid(), "under way": underWay(),
		"unknown to all": {Tenant: tenant, Order: id},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given{t, e}.then()
			if under := e.Judge().InFlight; (len(under) > 0) != (name == "under way") {
				t.Errorf("under way: %q", under)
			}
		})
	}
}

type damage = func(*audit.Evidence)

// with adds a fact to the end of a stream.
func with(facts *[]es.Recorded, event es.Event) damage {
	return func(e *audit.Evidence) {
		last := (*facts)[len(*facts)-1]
		last.Version++
		last.ID, last.Event = last.ID+"+", event
		*facts = append(slices.Clone(*facts), last)
	}
}

// finding is what is found of damaged evidence.
type finding struct {
	name  string
	given audit.Evidence
	when  damage
	then  []audit.Statement
}

func (f finding) run(t *testing.T) {
	t.Run(f.name, func(t *testing.T) {
		t.Parallel()
		given{t, f.given}.when(f.when).then(f.then...)
	})
}

func TestFindings(t *testing.T) {
	t.Parallel()
	for _, tc := range []finding{
		// 1: one end.
		{"completed and cancelled", completed(), func(e *audit.Evidence) {
			with(&e.Orders, order.Cancelled{Reason: "x"})(e)
			*e = said(*e)
		}, []audit.Statement{audit.OneEnd, audit.MoneyOwed, audit.PaidIfShipped, audit.AllSaid}},
		{"open, and nothing under way", underWay(), func(e *audit.Evidence) { e.At = later },
			[]audit.Statement{audit.OneEnd, audit.MoneyOwed, audit.StockEnds}},
		{"heard of, and never placed", audit.Evidence{Tenant: tenant, Order: id}, func(e *audit.Evidence) {
			e.Shipment = shipping(shipment.StockReservedHeard{})
		}, []audit.Statement{audit.OneEnd, audit.AllSaid}},
		{"a capture that is never asked for, and only the deadline tells", unpaid(), func(e *audit.Evidence) {
			e.Orders[4].Event = order.DeadlineMissed{Step: order.StepCapture, Due: t0}
			e.Payment = e.Payment[:4]
			e.Charges[0].Operations = e.Charges[0].Operations[:1]
			*e = said(*e)
		}, []audit.Statement{audit.OneEnd, audit.MoneyOwed, audit.PaidIfShipped}},
		{"a cancellation that the carrier is never asked for, and only the deadline tells", underWay(), func(e *audit.Evidence) {
			with(&e.Orders, order.CancellationRequested{RequestedBy: order.ByCustomer, RequestedAt: t0})(e)
			with(&e.Orders, order.DeadlineMissed{Step: order.StepCancellation, Due: t0})(e)
			with(&e.Shipment, shipment.CancellationHeard{})(e)
			*e = said(*e)
		}, []audit.Statement{audit.OneEnd, audit.MoneyOwed, audit.StockEnds, audit.CancellationAnswered}},
		{"an attention that nobody knows", unpaid(), func(e *audit.Evidence) {
			e.Orders[4].Event = order.PaymentAttentionRequired{Operation: "audit", Code: "x"}
		}, []audit.Statement{audit.OneEnd, audit.MoneyOwed, audit.PaidIfShipped, audit.AllSaid}},
		{"an attention that is shipping's, and not shown", unpaid(), func(e *audit.Evidence) {
			e.Shipment = append(slices.Clone(e.Shipment), shipping(pickedUp, pickedUp, pickedUp, pickedUp, pickedUp,
				shipment.CancellationHeard{}, shipment.CancellationRefused{}, shipment.CarrierRefusedCancel{Code: "x"})[5:]...)
			with(&e.Orders, order.CancellationRequested{RequestedBy: order.ByCustomer})(e)
			with(&e.Orders, order.CancellationRefused{HeardAt: t0})(e)
			e.Mails = told(mail.OrderReceived, mail.OrderShipped, mail.CancellationRefused)
			*e = said(*e)
		}, []audit.Statement{audit.OneEnd}},
		{"an attention that payments has no cause for", unpaid(), func(e *audit.Evidence) {
			e.Payment = e.Payment[:4]
			e.Charges[0].Operations = e.Charges[0].Operations[:1]
			*e = said(*e)
		}, []audit.Statement{audit.OneEnd, audit.AllSaid}},

		{"asked, and the provider's job is lost", unpaid(), func(e *audit.Evidence) {
			with(&e.Payment, payment.RetryRequested{Operation: payment.Capture})(e)
			with(&e.Payment, attempted(payment.Capture, 1))(e)
			e.Jobs = []es.Job{payment.Ask{Order: id, Operation: payment.Capture, Key: key(payment.Capture, 0)}}
		}, []audit.Statement{audit.OneEnd}},
		{"asked, and the carrier's job is lost", underWay(), func(e *audit.Evidence) {
			with(&e.Orders, order.CancellationRequested{RequestedBy: order.ByCustomer, RequestedAt: t0})(e)
			with(&e.Shipment, shipment.CancellationHeard{})(e)
			with(&e.Shipment, shipment.Attempted{Operation: shipment.Cancel, Key: "k"})(e)
			*e = said(*e)
			e.Jobs = []es.Job{shipment.BookJob{Job: shipment.Job{Order: id, Key: "k"}}}
		}, []audit.Statement{audit.OneEnd}},
		{"a mail whose job is lost", completed(), func(e *audit.Evidence) {
			e.Mails = e.Mails[:6]
			e.Jobs = []es.Job{mail.Send{Order: id, Mail: mail.OrderShipped}}
		}, []audit.Statement{audit.OneEnd}},

		// 2: the money.
		{"cancelled, and the hold stays", cancelled(), func(e *audit.Evidence) {
			e.Charges[0] = charge("authorized", 0, 0, operation(payment.Void, "succeeded", ""))
		}, []audit.Statement{audit.MoneyOwed, audit.BooksAgree}},
		{"cancelled, and the money kept", cancelled(), func(e *audit.Evidence) {
			e.Charges[0] = charge("captured", total.Amount, 0, operation(payment.Void, "succeeded", ""))
		}, []audit.Statement{audit.MoneyOwed, audit.BooksAgree}},
		{"completed for another amount", completed(), func(e *audit.Evidence) { e.Charges[0].Captured-- },
			[]audit.Statement{audit.MoneyOwed, audit.PaidIfShipped, audit.BooksAgree}},
		{"paid in another currency", completed(), func(e *audit.Evidence) { e.Charges[0].Amount.Currency = "USD" },
			[]audit.Statement{audit.MoneyOwed}},
		{"held after the way back began", cancelled(), func(e *audit.Evidence) {
			e.Payment[1], e.Payment[3] = e.Payment[3], e.Payment[1]
			e.Payment[1].Version, e.Payment[3].Version = 2, 4
			e.Payment[2], e.Payment[3] = e.Payment[3], e.Payment[2]
			e.Payment[2].Version, e.Payment[3].Version = 3, 4
			*e = said(*e)
		}, []audit.Statement{audit.MoneyOwed}},

		// 3: the parcel and the money.
		{"shipped, and given back", completed(), func(e *audit.Evidence) {
			e.Charges[0] = charge("refunded", total.Amount, total.Amount, operation(payment.Capture, "succeeded", ""))
		}, []audit.Statement{audit.MoneyOwed, audit.PaidIfShipped, audit.BooksAgree}},
		{"voided, and gone", cancelled(), func(e *audit.Evidence) { e.Parcels[0].Status = carrier.PickedUp },
			[]audit.Statement{audit.PaidIfShipped, audit.StockEnds, audit.BooksAgree}},

		// 4: the reservation.
		{"reserved for ever", cancelled(), func(e *audit.Evidence) { e.Reservation = e.Reservation[:3] },
			[]audit.Statement{audit.StockEnds, audit.AllSaid}},
		{"released twice", cancelled(), func(e *audit.Evidence) {
			with(&e.Reservation, stock.ReservationReleased{Cause: stock.CauseShipmentCancelled})(e)
			*e = said(*e)
		}, []audit.Statement{audit.StockEnds, audit.AllSaid}},
		{"shipped without a reservation", completed(), func(e *audit.Evidence) {
			e.Reservation = reservation(orderHeard, stock.ShipmentHeard{}, stock.ReservationReleased{Cause: stock.CauseOrderShipped}, stock.PaymentHeard{})
			*e = said(*e)
		}, []audit.Statement{audit.StockEnds, audit.AllSaid}},
		{"less is reserved than ordered", completed(), func(e *audit.Evidence) {
			e.Reservation[0].Event = stock.OrderHeard{Lines: []stock.Line{{SKU: "MUG", Quantity: 1}}}
		}, []audit.Statement{audit.StockEnds}},
		{"another SKU is reserved", completed(), func(e *audit.Evidence) {
			e.Reservation[0].Event = stock.OrderHeard{Lines: []stock.Line{{SKU: "CUP", Quantity: 2}}}
		}, []audit.Statement{audit.StockEnds}},
		{"short of what is there", outOfStock(), func(e *audit.Evidence) {
			e.Reservation[2].Event = stock.ReservationFailed{Shortages: []stock.Shortage{{SKU: "MUG", Wanted: 2, Available: 2}}}
		}, []audit.Statement{audit.StockEnds, audit.AllSaid}},
		{"short of nothing", outOfStock(), func(e *audit.Evidence) { e.Reservation[2].Event = stock.ReservationFailed{} },
			[]audit.Statement{audit.StockEnds, audit.AllSaid}},

		// 5: the books.
		{"a charge of nobody's order", audit.Evidence{Tenant: tenant, Order: id}, func(e *audit.Evidence) {
			e.Charges = []provider.Payment{charge("authorized", 0, 0)}
		}, []audit.Statement{audit.BooksAgree}},
		{"charged twice", completed(), func(e *audit.Evidence) {
			e.Charges = append(slices.Clone(e.Charges), charge("declined", 0, 0))
		}, []audit.Statement{audit.BooksAgree}},
		{"captured under an unknown key", completed(), func(e *audit.Evidence) { e.Charges[0].Operations[1].Key += "0" },
			[]audit.Statement{audit.BooksAgree}},
		{"refused, and taken for done", completed(), func(e *audit.Evidence) { e.Charges[0].Operations[1].Status = "refused" },
			[]audit.Statement{audit.BooksAgree}},
		{"a parcel of nobody's order", audit.Evidence{Tenant: tenant, Order: id}, func(e *audit.Evidence) {
			e.Parcels = []carrier.Booking{parcel(carrier.Booked)}
		}, []audit.Statement{audit.BooksAgree}},
		{"booked twice", completed(), func(e *audit.Evidence) { e.Parcels = append(slices.Clone(e.Parcels), parcel(carrier.Booked)) },
			[]audit.Statement{audit.BooksAgree}},
		{"another tracking number", completed(), func(e *audit.Evidence) { e.Parcels[0].TrackingNumber = "T2" },
			[]audit.Statement{audit.BooksAgree}},
		{"a booking that is not there", completed(), func(e *audit.Evidence) { e.Parcels = nil },
			[]audit.Statement{audit.BooksAgree}},
		{"cancelled, and still booked", cancelled(), func(e *audit.Evidence) { e.Parcels[0].Status = carrier.Booked },
			[]audit.Statement{audit.BooksAgree}},

		{"cancelled, and a booking is left behind", cancelled(), func(e *audit.Evidence) {
			e.Shipment, e.Parcels[0].Status = e.Shipment[:4], carrier.Booked
			*e = said(*e)
		}, []audit.Statement{audit.BooksAgree, audit.AllSaid}},

		// 6: the messages and their effects.
		{"not said", completed(), func(e *audit.Evidence) { e.Said = e.Said[1:] }, []audit.Statement{audit.AllSaid}},
		{"said, and never due", completed(), func(e *audit.Evidence) {
			e.Said = append(slices.Clone(e.Said), audit.Copy{ID: "x", Topic: "t", Source: "/waybill/orders", Sequence: 2})
		}, []audit.Statement{audit.AllSaid}},
		{"said on another topic", completed(), func(e *audit.Evidence) { e.Said[0].Topic = "t" }, []audit.Statement{audit.AllSaid}},
		{"said out of order", completed(), func(e *audit.Evidence) {
			e.Said = append([]audit.Copy{{ID: "x", Topic: e.Said[0].Topic, Source: "/waybill/orders", Sequence: 99}}, e.Said...)
		}, []audit.Statement{audit.AllSaid}},
		{"not heard, and another service has given it up", completed(), func(e *audit.Evidence) {
			e.Mails = told(mail.OrderReceived, mail.OrderShipped)
			for _, c := range e.Said {
				if c.Source != "/waybill/payments" {
					e.GivenUp = append(e.GivenUp, audit.Unread{Service: "payments", ID: c.ID})
				}
			}
		}, []audit.Statement{audit.AllSaid}},
		{"gone, and the payment stream is empty", completed(), func(e *audit.Evidence) {
			e.Payment, e.Charges = nil, nil
			*e = said(*e)
		}, []audit.Statement{audit.MoneyOwed, audit.PaidIfShipped, audit.AllSaid}},
		{"not heard", completed(), func(e *audit.Evidence) { e.Mails = told(mail.OrderReceived, mail.OrderShipped) }, []audit.Statement{audit.AllSaid}},
		{"heard twice", completed(), func(e *audit.Evidence) { with(&e.Payment, payment.ShipmentHeard{})(e) }, []audit.Statement{audit.AllSaid}},
		{"heard what nobody said", underWay(), func(e *audit.Evidence) { with(&e.Reservation, stock.ShippingFailureHeard{})(e) }, []audit.Statement{audit.AllSaid}},
		{"orders heard what nobody said", underWay(), func(e *audit.Evidence) {
			with(&e.Orders, order.Delivered{DeliveredAt: t0})(e)
		}, []audit.Statement{audit.AllSaid}},
		{"told the customer what nobody said", underWay(), func(e *audit.Evidence) {
			e.Mails = told(mail.OrderReceived, mail.PaymentRefunded)
		}, []audit.Statement{audit.AllSaid}},
		{"a fact is missing", completed(), func(e *audit.Evidence) { e.Mails = slices.Delete(slices.Clone(e.Mails), 3, 5) }, []audit.Statement{audit.AllSaid}},
		{"a fact of another stream", completed(), func(e *audit.Evidence) { with(&e.Mails, order.PaymentVoided{})(e) }, []audit.Statement{audit.AllSaid}},
		{"the customer is not told", completed(), func(e *audit.Evidence) {
			e.Mails = told(mail.OrderReceived, mail.OrderShipped, mail.OrderCancelled)
		}, []audit.Statement{audit.AllSaid}},
		{"refused twice under one key", cancelled(), func(e *audit.Evidence) {
			e.Shipment = append(e.Shipment[:6:6], shipping(pickedUp, pickedUp, pickedUp, pickedUp, pickedUp, pickedUp,
				shipment.CarrierRefusedCancel{Code: "x"}, shipment.CarrierRefusedCancel{Code: "x"}, shipment.Cancelled{})[6:]...)
			*e = said(*e)
		}, []audit.Statement{audit.AllSaid}},
		{"a mail that is held", audit.Evidence{Tenant: tenant, Order: id}, func(e *audit.Evidence) {
			e.Mails = mails(mail.Due{Mail: mail.OrderShipped})
		}, []audit.Statement{audit.OneEnd, audit.AllSaid}},

		{"a mail is missing", completed(), func(e *audit.Evidence) { e.Mails = told(mail.OrderReceived, mail.OrderCompleted) },
			[]audit.Statement{audit.AllSaid}},

		// 7: the read models.
		{"no row", completed(), func(e *audit.Evidence) { e.Rows = &audit.Rows{OpenParcel: booking.ID} }, []audit.Statement{audit.RowsAgree}},
		{"another row", completed(), func(e *audit.Evidence) {
			row := rowOf(completed())
			row.Status = order.StatusShipped
			e.Rows = &audit.Rows{Order: row, OpenParcel: booking.ID}
		}, []audit.Statement{audit.RowsAgree}},
		{"a deadline too much", completed(), func(e *audit.Evidence) {
			row := rowOf(completed())
			row.Expects = &order.Expectation{Step: order.StepCapture, Due: t0}
			e.Rows = &audit.Rows{Order: row, OpenParcel: booking.ID}
		}, []audit.Statement{audit.RowsAgree}},
		{"polled in vain", cancelled(), func(e *audit.Evidence) {
			e.Rows = &audit.Rows{Order: rowOf(cancelled()), OpenParcel: booking.ID}
		}, []audit.Statement{audit.RowsAgree}},

		// 8: the cancellation.
		{"asked, and never answered", completed(), func(e *audit.Evidence) {
			e.Orders = append(e.Orders[:4:4], orders(placed, placed, placed, placed,
				order.CancellationRequested{RequestedBy: order.ByCustomer}, heardCaptured, order.Completed{Total: placed.Total})[4:]...)
			e.Shipment = append(slices.Clone(e.Shipment), shipping(pickedUp, pickedUp, pickedUp, pickedUp, pickedUp, shipment.CancellationHeard{})[5])
			*e = said(*e)
		}, []audit.Statement{audit.CancellationAnswered}},
		{"refused, and not gone", cancelled(), func(e *audit.Evidence) {
			with(&e.Shipment, shipment.CancellationRefused{})(e)
			with(&e.Orders, order.CancellationRefused{HeardAt: t0})(e)
			e.Mails = told(mail.OrderReceived, mail.OrderCancelled, mail.CancellationRefused)
			*e = said(*e)
		}, []audit.Statement{audit.CancellationAnswered}},
	} {
		tc.run(t)
	}
}

// Who may not have read a message is under way only where the message would be news.
func TestWhatIsReadAlreadyIsNotUnderWay(t *testing.T) {
	t.Parallel()
	e := completed()
	for _, c := range e.Said {
		e.Unread = append(e.Unread, audit.Unread{Service: "orders", ID: c.ID}, audit.Unread{Service: "notifications", ID: c.ID})
	}
	if v := e.Judge(); len(v.InFlight)+len(v.Findings) > 0 {
		t.Errorf("in flight %q, findings %v", v.InFlight, v.Findings)
	}
}

func rowOf(e audit.Evidence) *audit.OrderRow {
	var o order.Order
	for _, f := range e.Orders {
		o = order.Evolve(o, f.Event.(order.Event))
	}
	return &audit.OrderRow{CustomerID: "c-1", Status: o.Status(), Attention: o.Attention(), Total: o.Placed.Total, PlacedAt: t0}
}

// What cannot be known, or not yet, is nobody's fault.
func TestWhatIsNotHeldAgainstAnOrder(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]damage{
		"unsent": func(e *audit.Evidence) { e.Said, e.Unsent = e.Said[1:], []string{e.Said[0].ID} },
		"forgotten by Kafka": func(e *audit.Evidence) {
			gone := e.Said[0].ID
			e.Said, e.Forgotten = e.Said[1:], func(m contracts.Message) bool { return m.ID == gone }
		},
		"said after the evidence": func(e *audit.Evidence) {
			e.Said = append(slices.Clone(e.Said), audit.Copy{ID: "x", Topic: "t", Source: "/waybill/orders", Sequence: 7, Later: true})
		},
		"given up by a person": func(e *audit.Evidence) {
			e.Mails = told(mail.OrderReceived, mail.OrderShipped)
			for _, c := range e.Said {
				e.GivenUp = append(e.GivenUp, audit.Unread{Service: "notifications", ID: c.ID})
			}
		},
		"given up before it was said": func(e *audit.Evidence) {
			gone := e.Said[0]
			e.Said, e.GivenUp = e.Said[1:], []audit.Unread{{Service: strings.TrimPrefix(gone.Source, "/waybill/"), ID: gone.ID}}
		},
		"not read yet": func(e *audit.Evidence) {
			e.Mails = told(mail.OrderReceived, mail.OrderShipped)
			for _, c := range e.Said {
				e.Unread = append(e.Unread, audit.Unread{Service: "notifications", ID: c.ID, Why: "it has come no further"})
			}
		},
		"right rows":              func(e *audit.Evidence) { e.Rows = &audit.Rows{Order: rowOf(completed()), OpenParcel: booking.ID} },
		"delivered, and not told": func(e *audit.Evidence) { e.Parcels[0].Status = carrier.Delivered },
		"asked, and not answered": func(e *audit.Evidence) {
			*e = unpaid()
			with(&e.Payment, payment.RetryRequested{Operation: payment.Capture})(e)
			with(&e.Payment, attempted(payment.Capture, 1))(e)
			e.Jobs = []es.Job{payment.Ask{Order: id, Operation: payment.Capture, Number: 1, Key: key(payment.Capture, 1)}}
		},
		"done, and not answered": func(e *audit.Evidence) {
			*e = underWay()
			e.Payment = append(slices.Clone(e.Payment), payments(requested, requested, requested, payment.ShipmentHeard{}, attempted(payment.Capture, 0))[3:]...)
			e.Charges[0] = charge("captured", total.Amount, 0, operation(payment.Capture, "succeeded", ""))
			e.Parcels[0].Status = carrier.PickedUp
			with(&e.Shipment, pickedUp)(e)
			*e = said(*e)
			e.Jobs = []es.Job{payment.Ask{Order: id, Operation: payment.Capture, Key: key(payment.Capture, 0)}}
		},
		"the carrier is asked, and a mail is being sent": func(e *audit.Evidence) {
			*e = underWay()
			with(&e.Orders, order.CancellationRequested{RequestedBy: order.ByCustomer, RequestedAt: t0})(e)
			with(&e.Shipment, shipment.CancellationHeard{})(e)
			with(&e.Shipment, shipment.Attempted{Operation: shipment.Cancel, Key: "k"})(e)
			e.Mails = e.Mails[:2]
			*e = said(*e)
			e.Jobs = []es.Job{
				shipment.CancelJob{Job: shipment.Job{Order: id, Key: "k"}}, mail.Send{Order: id, Mail: mail.OrderReceived},
			}
		},
		"settled by hand": func(e *audit.Evidence) {
			*e = settled()
			e.Charges[0].Captured, e.Charges[0].Held = total.Amount, false // in the provider's own office
		},
		"settled by hand, and the answer came behind": func(e *audit.Evidence) {
			*e = settled()
			e.Payment[5], e.Payment[6] = e.Payment[6], e.Payment[5]
			e.Payment[5].Version, e.Payment[6].Version = 6, 7
			e.Payment[6].Event = payment.Refused{Operation: payment.Capture, Code: "capture_refused", Attention: true}
			*e = said(*e)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given{t, completed()}.when(when).then()
		})
	}
}

// What an operator has settled by hand is theirs; what is left of it at the outside is told all the same.
func TestWhatIsLeftByHandIsTold(t *testing.T) {
	t.Parallel()
	settled := func(outcome order.Outcome) audit.Evidence {
		e := unpaid()
		with(&e.Orders, order.Resolved{Outcome: outcome, ResolvedBy: "night shift"})(&e)
		return e
	}
	for _, c := range []struct {
		outcome order.Outcome
		change  func(*audit.Evidence)
		left    []string
	}{
		{order.OutcomeCompleted, func(*audit.Evidence) {}, []string{"the provider holds money"}},
		{order.OutcomeCompleted, func(e *audit.Evidence) { e.Charges[0].Held = false }, []string{fmt.Sprintf("of %d EUR the provider has taken 0", total.Amount)}},
		{order.OutcomeCompleted, func(e *audit.Evidence) { e.Charges[0].Held, e.Charges[0].Captured = false, total.Amount }, nil},
		{order.OutcomeCompleted, func(e *audit.Evidence) { e.Charges[0].Held, e.Charges[0].Captured = false, total.Amount+1 },
			[]string{fmt.Sprintf("of %d EUR the provider has taken %d", total.Amount, total.Amount+1)}},
		{order.OutcomeCancelled, func(e *audit.Evidence) { e.Charges[0].Held = false }, []string{"the parcel has gone"}},
		{order.OutcomeCancelled, func(e *audit.Evidence) { e.Charges[0].Held, e.Charges[0].Captured = false, 5 }, []string{"the provider has kept 5 EUR", "the parcel has gone"}},
		{order.OutcomeCancelled, func(e *audit.Evidence) {
			e.Charges, e.Shipment = nil, nil
			e.Parcels[0].Status = carrier.Booked
		}, []string{"the carrier is to fetch the parcel"}},
	} {
		e := settled(c.outcome)
		c.change(&e)
		if got := e.Judge().Left; !slices.Equal(got, c.left) {
			t.Errorf("as %s: %q, want %q", c.outcome, got, c.left)
		}
	}
	e := unpaid()
	if got := e.Judge().Left; got != nil {
		t.Errorf("what nobody has settled: %q", got)
	}
}
