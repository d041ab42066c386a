// Package shipment decides what becomes of an order's parcel. It is pure: times, identifiers and the carrier's
// answers come in with commands, and facts and jobs go out.
//
// All that the carrier ever says of a booking (the answer to a call, a webhook, what a look-up finds) comes in as
// a Report, in any order and any number of times. After every new fact next says what is to be done, one intent
// at a time: what was asked of the carrier and not answered is unknown, and is waited for.
package shipment
