package suite

import (
	"crypto/rand"
	"encoding/base64"
)

// NewWebhookSecret makes what signs the carrier's webhooks, as Standard Webhooks writes it. Both ends get it with each
// start of a suite.
func NewWebhookSecret() string {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(secret)
}
