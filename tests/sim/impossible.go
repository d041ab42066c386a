package sim

import (
	"slices"
	"strings"
)

// excuse says why a policy does not meet some facts in some classes of its state.
type excuse struct {
	policy string
	// facts and classes are lists; "*" is all of them, and "* but" all but those that follow.
	facts, classes string
	because        string
}

// excuses is the table of the impossible. What stands here and happens all the same is a mistake, here or in a policy.
var excuses = [...]excuse{
	{"orders", "* but place", "unknown", "every message about an order follows upon its placing, which is orders' own; that people ask for orders which there are not, services/orders tests"},
	{"orders", "place", "* but unknown", "an order's id is made when it is placed"},
	{"orders", "payment-failed", "authorized,reserved,shipped,completed", "a payment that failed was never told as authorized"},
	{"orders", "payment-voided,payment-refunded", "shipped,completed", "what is given back was not shipped"},
	{"orders", "stock-reservation-failed", "reserved,shipped,completed", "what could not be reserved was not shipped"},
	{"orders", "stock-released", "shipped,completed", "stock is released only once it is sure that nothing ships"},
	{"orders", "shipping-failed", "shipped,completed", "a parcel that cannot be shipped was not shipped"},
	{"orders", "shipment-cancelled", "shipped,completed", "a parcel that was cancelled was not shipped"},
	{"orders", "order-shipped,shipment-delivered", "cancelled", "what is gone is paid for, and its order not cancelled"},
	{"orders", "cancellation-refused", "cancelled", "a cancellation is refused only when the parcel is gone"},
	{"orders", "shipment-cancelled", "placed,authorized,reserved", "orders itself asked for it before, and is cancelling"},

	{"payments", "*", "early", "whatever else is heard follows upon an authorization, and a way back or a resolution ends the payment"},
	{"payments", "order-shipped", "unknown,authorizing,voiding,refunding,tombstone,voided,refunded,failed", "only what is paid for, and stays so, is shipped"},
	{"payments", "stock-reservation-failed", "unknown,authorizing,capturing,tombstone,failed", "it is tried only for money that was told as authorized, and not shipped"},
	{"payments", "* but order-placed,order-resolved,stock-released,order-shipped,stock-reservation-failed,retry", "unknown,tombstone", "nobody was asked"},
	{"payments", "authorize refused", "* but authorizing,failed", "a refused authorization is the end of a payment"},
	{"payments", "capture done,capture refused,capture expired", "authorizing,held", "a capture that was asked for is waited for, and is never forgotten"},
	{"payments", "capture done", "voiding,voided,failed", "what was taken is refunded, not voided"},
	{"payments", "capture expired", "captured,refunding,refunded", "a hold that has expired is never captured"},
	{"payments", "void done,void expired", "* but voiding,voided,failed", "a hold that is gone is the end of a payment"},
	{"payments", "void refused", "authorizing,held", "a void that was refused stands until it is tried again"},
	{"payments", "refund done", "* but refunding,refunded", "a refund is the end of a payment"},
	{"payments", "refund refused", "authorizing,held,capturing,captured,voiding,voided,failed", "a refund that was refused stands until it is tried again"},

	{"inventory", "order-shipped,shipping-failed", "unknown,ordered,paid,failed,tombstone", "the carrier is asked only for what was reserved"},

	{"shipping", "booked,book refused,cancelled,cancel refused,picked_up,delivered", "unknown,ordered,reserved,tombstone", "the carrier was never asked"},
	{"shipping", "book refused", "* but booking,stopping,failed,resolved", "a refused booking is the end of a shipment"},
	{"shipping", "booked,cancelled,cancel refused,picked_up,delivered", "failed", "a refused booking is the end of a shipment"},
	{"shipping", "cancelled,cancel refused", "booking,stopping,booked", "only a booking can be cancelled, and what was asked is waited for"},
	{"shipping", "cancelled", "attention,shipped,delivered", "a cancelled booking is the end of a shipment"},
	{"shipping", "picked_up,delivered", "cancelled", "nobody fetches a cancelled parcel"},

	{"notifications", "mail taken,mail refused", "unknown,held", "nothing is sent before the address is known, and then nothing is held"},
}

// seldom are cells that are possible, and so unlikely that nobody insists on them.
var seldom = [...]excuse{
	{"orders", "shipment-attention-required", "placed,authorized,reserved", "the parcel went after all, which is heard before, and the order-shipped of it is not"},
	{"payments", "capture refused", "refunding,refunded", "a worker that was taken for dead answers when an operator's retry has succeeded, and been undone"},
	{"payments", "void refused", "failed,refunding,refunded", "a worker that was taken for dead answers when an operator's retry has let a capture succeed, or the hold has gone"},
	{"shipping", "cancel refused", "shipped", "a worker that was taken for dead answers when the parcel has gone all the same, and has not been delivered since"},
}

// unlikely says why nobody insists on a cell.
func unlikely(c Cell) (because string, is bool) { return find(seldom[:], c) }

// impossible says why a cell of the coverage table cannot be.
func impossible(c Cell) (because string, is bool) {
	return find(excuses[:], c)
}

func find(list []excuse, c Cell) (because string, is bool) {
	for _, e := range list {
		if e.policy == c.Policy && listed(e.facts, c.Fact) && listed(e.classes, c.Class) {
			return e.because, true
		}
	}
	return "", false
}

// listed says whether a list names it.
func listed(list, name string) bool {
	if others, ok := strings.CutPrefix(list, "* but "); ok {
		return !slices.Contains(strings.Split(others, ","), name)
	}
	return list == "*" || slices.Contains(strings.Split(list, ","), name)
}
