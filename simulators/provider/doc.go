// Package provider is a simulated payment provider: a real HTTP server that holds, takes and gives back
// money that does not exist, and keeps books of it on disk.
//
// As the real ones do, it knows every operation by the key of its caller (the header Idempotency-Key): the
// same request under the same key is done once and always has the same answer, refusals included, however
// often and however much at once it is asked; another request under the same key is a conflict. The token
// of a payment says how it misbehaves: see Token.
package provider
