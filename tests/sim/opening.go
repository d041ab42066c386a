package sim

import (
	"strconv"
	"time"

	"waybill.dev/platform/es"
	"waybill.dev/services/inventory/stock"
	"waybill.dev/services/orders/order"
	"waybill.dev/services/payments/payment"
)

// maxOrders is how many orders a run has at most.
const maxOrders = 20

// skus are what the shops sell; few, so that orders fight over them.
func skus() []string { return []string{"CUP", "MUG", "POT"} }

// open plans what people will do: fill the shelves, order, change their minds.
func (w *world) open() {
	n := w.tape.orders(w.crowd)
	shops := tenants()
	placed := [3]int{}
	var at time.Duration
	for i := range n {
		w.tape.current = 1 + i
		shop := w.tape.pick(odds{4, 3, 2})
		placed[shop]++
		// The same names in every shop: what is a tenant's must not be another's.
		o := &purchase{tenant: shops[shop], id: "o-" + strconv.Itoa(placed[shop]), script: w.script()}
		for s := range o.channels {
			o.channels[s] = make([]channel, len(w.topics))
		}
		w.purchases = append(w.purchases, o)
		w.byName[es.StreamID{Tenant: o.tenant.name, ID: o.id}] = o
		w.placeAt(o, at)
		at += w.delay(w.climate.people)
	}
	w.tape.current = 0
	for i, shop := range shops {
		if placed[i] > 0 {
			w.stock(shop.name)
		}
	}
}

// crowd is how many orders a new run has: mostly few, so that their choices are soon run through.
func (w *world) crowd() int {
	random := w.tape.random
	if (odds{4, 1}).draw(random) == 1 {
		return 1 + random.IntN(maxOrders)
	}
	return 1 + random.IntN(4)
}

// script chooses how the outside will treat an order: the provider, the carrier and the mail server, each for itself.
func (w *world) script() script {
	s := script{lifetime: 7 * 24 * time.Hour}
	const authorize, capture, void, refund = payment.Authorize, payment.Capture, payment.Void, payment.Refund
	switch w.tape.pick(w.climate.charging) {
	case 1:
		s.refuses = []payment.Operation{authorize}
	case 2:
		s.refuses = []payment.Operation{capture}
	case 3:
		s.refuses = []payment.Operation{void}
	case 4:
		s.refuses = []payment.Operation{refund}
	case 5:
		s.refuses = []payment.Operation{capture, void, refund}
	case 6:
		s.lifetime = time.Hour
	}
	switch w.tape.pick(w.climate.carrying) {
	case 1:
		s.bookingRefused = true
	case 2:
		s.cancelRefused = true
	case 3:
		s.forgotten = true
	case 4:
		s.cancelRefused, s.forgotten = true, true
	}
	s.mailRefused = w.tape.pick(w.climate.mailing) == 1
	return s
}

// The numbers of choices of script.
const (
	chargings = 7
	carryings = 5
	mailings  = 2
)

// placeAt places an order, and lets its customer change their mind.
func (w *world) placeAt(o *purchase, at time.Duration) {
	goods := skus()
	first := w.tape.number(len(goods))
	count := 1 + w.tape.pick(odds{6, 2, 1})
	price := int64([]int{1999, 0, 1}[w.tape.pick(odds{12, 2, 1})])
	verb := order.Place{
		Customer:        order.Customer{ID: "c-1", Name: "Ada Lovelace", Email: "ada@example.com"},
		ShippingAddress: order.Address{Name: "Ada Lovelace", Line1: "1 High Street", City: "Berlin", PostalCode: "10115", Country: "DE"},
		Payment:         order.Payment{Method: order.MethodCard, Token: "tok_ok"},
		Deadlines:       o.tenant.deadlines,
	}
	for i := range count {
		verb.Lines = append(verb.Lines, order.Line{
			SKU: goods[(first+i)%len(goods)], Name: "Goods", Quantity: 1 + int64(w.tape.number(3)),
			UnitPrice: order.Money{Amount: price, Currency: "EUR"},
		})
	}
	s := w.parts[ordersPart]
	if w.tape.pick(odds{9, 1}) == 1 {
		w.after(at+w.delay(w.climate.people), func() { w.operate(o) }) // somebody looks in who was not called
	}
	w.at(at, s, func() {
		verb.At = w.clock()
		w.do(s, o, "place", order.On(o.tenant.name, o.id, verb), "request")
	})
	for range w.tape.pick(w.climate.customers) {
		by := []order.RequestedBy{order.ByCustomer, order.ByOperator}[w.tape.pick(odds{3, 1})]
		w.at(at+w.delay(w.climate.people)+w.delay(w.climate.carrier), s, func() {
			w.faults.count(cancellation)
			w.do(s, o, "cancel", order.On(o.tenant.name, o.id, order.Cancel{RequestedBy: by, Reason: "changed_my_mind", At: w.clock()}), "request")
		})
	}
}

// stock fills a shop's shelves: some well, some scarcely, some not at all; and lets more come and counts be corrected.
func (w *world) stock(shop string) {
	for _, sku := range skus() {
		w.skus[stock.Stocks.Stream(shop, sku)] = true
		switch w.tape.pick(w.climate.shelves) {
		case 0:
			w.receive(0, shop, sku, 1000)
		case 1:
			w.receive(0, shop, sku, 1+int64(w.tape.number(4)))
		case 2:
			w.receive(w.delay(w.climate.people), shop, sku, 1+int64(w.tape.number(4)))
			w.adjust(w.delay(w.climate.people), shop, sku, int64(w.tape.number(7))-3)
		}
	}
}

// receive lets goods come in, now and then told twice.
func (w *world) receive(after time.Duration, shop, sku string, quantity int64) {
	command := stock.Receive{Tenant: shop, SKU: sku, Quantity: quantity, Reference: "delivery-1"}.Command()
	times := 1 + w.tape.pick(odds{9, 1})
	for i := range times {
		w.shelf(after+time.Duration(i)*time.Second, "receives "+strconv.FormatInt(quantity, 10)+" "+sku, shop, command)
	}
}

func (w *world) adjust(after time.Duration, shop, sku string, quantity int64) {
	w.shelf(after, "corrects "+sku+" by "+strconv.FormatInt(quantity, 10), shop, stock.Adjust{Tenant: shop, SKU: sku, Quantity: quantity, Reason: "stocktaking"}.Command())
}

// shelf has the warehouse of a shop do something, which may be refused.
func (w *world) shelf(after time.Duration, what, shop string, c es.Command) {
	s := w.parts[inventoryPart]
	w.at(after, s, func() {
		if _, err := s.run(c, "request"); err != nil && !refused(err) {
			w.wrongf("the warehouse of %s %s: %v", shop, what, err)
		}
		w.note("the warehouse of %s %s", shop, what)
	})
}
