// Package audit holds what must be true of orders, as code: eight statements, checked against all that anybody knows
// of an order or of a shelf. It reads nothing and asks for no time: whoever calls it brings the evidence, from the
// databases, Kafka and the books of the outside, or from a simulation's memory.
//
// What may not be true yet (an order under way, a message not yet heard) is not held against an order while anything
// is known to be under way for it; what can never be true is, at any time. What an order that shows attention may leave
// undone is listed by its reason, in excuses.go, and nothing more is excused.
package audit
