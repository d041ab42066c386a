// Package orders takes orders and knows how they stand.
//
// It owns the order: what was ordered, by whom, where it goes, and how it ended. It says order-placed,
// order-cancellation-requested, order-completed, order-cancelled and order-resolved. It hears everything that
// payments, inventory and shipping say, notes each fact in the order's own stream, and tells none of them what to
// do: an order's status is a function of the set of facts heard. It also knows what each open order waits for, and
// until when (deadlines.go).
package orders
