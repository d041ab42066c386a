// Package carrier is a simulated carrier: a real HTTP server that takes bookings of parcels, picks them up and
// delivers them after a while, tells of both by signed webhooks, and keeps books of it all on disk.
//
// As the real ones do, it knows every request by the key of its caller (the header Idempotency-Key): the same
// request under the same key is done once and always has the same answer, refusals included. The postal code
// of an address says how the carrier misbehaves for it: see the constants.
package carrier
