package audit

import (
	"fmt"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/services/inventory"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/orders"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping"
	"waybill.dev/services/shipping/shipment"
)

// account is an order's evidence, folded.
type account struct {
	*Evidence
	order       order.Order
	payment     payment.Payment
	reservation stock.Reservation
	shipment    shipment.Shipment
	mails       mail.Mails
	// due are the messages that the facts make.
	due []contracts.Message
	// inFlight names what is under way; nothing means that the order is at rest.
	inFlight []string
	excuses  excuse
	findings []Finding
}

// Verdict is what the evidence comes to.
type Verdict struct {
	// Findings are the statements that do not hold.
	Findings []Finding
	// InFlight names, for people, what is under way for the order. Nothing means that it is at rest: then everything
	// that must come true has to be.
	InFlight []string
	// Left is what the outside's books still have of an order that an operator has settled by hand.
	Left []string
	// Order is the order as its facts have left it.
	Order order.Order
	// Due are the messages that the order's facts make, whether they were said or not.
	Due []contracts.Message
	// Holds is how many of each SKU the order's reservation keeps; nothing where it keeps nothing.
	Holds map[string]int64
}

// Judge holds the evidence against the statements.
func (e Evidence) Judge() Verdict {
	a := e.fold()
	a.checkEnd()
	a.checkResolved()
	a.checkRetries()
	a.checkDeadlines()
	a.checkReasons()
	a.checkMoney()
	a.checkTotals()
	a.checkTurnedBack()
	a.checkShippedAndPaid()
	a.checkReservation()
	a.checkLines()
	a.checkCharges()
	a.checkParcels()
	a.checkEffects()
	a.checkSaid()
	a.checkHeard()
	a.checkMails()
	a.checkNotes()
	a.checkJobs()
	a.checkRows()
	a.checkCancellation()
	return Verdict{Findings: a.findings, InFlight: a.inFlight, Left: a.leftByHand(), Order: a.order, Due: a.due, Holds: a.holds()}
}

func (a *account) holds() map[string]int64 {
	holds := map[string]int64{}
	if a.reservation.Status() == stock.StatusReserved {
		for _, l := range a.reservation.Lines {
			holds[l.SKU] += l.Quantity
		}
	}
	return holds
}

func (e *Evidence) fold() *account {
	a := &account{Evidence: e}
	a.order = foldStream(a, "orders", order.Category, e.Orders)
	a.payment = foldStream(a, "payments", payment.Category, e.Payment)
	a.reservation = foldStream(a, "inventory", stock.Reservations, e.Reservation)
	a.shipment = foldStream(a, "shipping", shipment.Category, e.Shipment)
	a.mails = foldStream(a, "notifications", mail.Streams, e.Mails)
	a.say("orders", e.Orders, orders.Publish)
	a.say("payments", e.Payment, payments.Publish)
	a.say("inventory", e.Reservation, inventory.Publish)
	a.say("shipping", e.Shipment, shipping.Publish)
	a.inFlight = a.underWay()
	a.excuses = a.excused()
	return a
}

// foldStream is the state that a stream's facts come to. Facts that are none of the stream's, or out of place, are
// found.
func foldStream[S any, E es.Event](a *account, service string, c es.Category[S, E], facts []es.Recorded) (state S) {
	for i, f := range facts {
		if f.Version != int64(i+1) {
			a.find(AllSaid, "fact %d in the log of %s has version %d", i+1, service, f.Version)
		}
		fact, ok := f.Event.(E)
		if !ok {
			a.find(AllSaid, "the log of %s holds a %T", service, f.Event)
			continue
		}
		state = c.Evolve(state, fact)
	}
	return state
}

func (a *account) say(service string, facts []es.Recorded, publish func(es.Recorded) []contracts.Event) {
	for _, f := range facts {
		a.due = append(a.due, eventlog.Messages(service, f, publish)...)
	}
}

func (a *account) find(s Statement, format string, args ...any) {
	a.findings = append(a.findings, Finding{Statement: s, Tenant: a.Tenant, Subject: a.Order, Evidence: fmt.Sprintf(format, args...)})
}

// atRest says that nothing is under way for the order.
func (a *account) atRest() bool { return len(a.inFlight) == 0 }
