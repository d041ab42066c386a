// Package payment decides what is asked of the payment provider for an order, and what its answers mean.
//
// Facts come in any order, twice, or after the end. Every decision that follows a fact goes through next: one
// operation is asked for at a time, and an outcome that is not known is waited for.
package payment
