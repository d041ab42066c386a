// Package stock holds inventory's rules, and nothing else: it asks for no time, and reaches nothing outside.
//
// Three sorts of stream, in the order in which they are locked: a reservation an order, which notes what was heard
// of the order and what came of it; a receipt an incoming delivery, so that its reference counts once; and a stock
// a SKU, whose facts are all that ever changes a shelf.
//
// Goods come in by Receive and counts are corrected by Adjust. Everything else follows from messages, by React:
// a message is noted in the order's reservation when it is heard for the first time, and what is to be done next
// is a function of what has been heard by then, whatever order it came in.
package stock
