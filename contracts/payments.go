package contracts

import "time"

// PaymentAuthorized says that the money for the order is held at the payment provider; for a tenant that
// captures at once it is said only after the capture.
type PaymentAuthorized struct {
	Amount Money `json:"amount"`
	// ProviderReference is the provider's own name of the payment.
	ProviderReference string `json:"providerReference"`
	// ExpiresAt is when the provider lets the hold go by itself.
	ExpiresAt time.Time `json:"expiresAt"`
}

// PaymentFailed says that the payment was refused for good, and that no money is held.
type PaymentFailed struct {
	// Code is machine-readable: "card_declined", "insufficient_funds", …
	Code string `json:"code"`
}

// PaymentCaptured says that the money has been taken.
type PaymentCaptured struct {
	Amount            Money  `json:"amount"`
	ProviderReference string `json:"providerReference"`
}

// PaymentVoided says that the hold is gone, or that there never will be one.
type PaymentVoided struct{}

// PaymentRefunded says that captured money went back to the customer.
type PaymentRefunded struct {
	Amount            Money  `json:"amount"`
	ProviderReference string `json:"providerReference"`
}

// PaymentAttentionRequired says that the provider refused a capture, void or refund for good, so that a
// person must look.
type PaymentAttentionRequired struct {
	// Operation is "capture", "void" or "refund".
	Operation string `json:"operation"`
	// Code is the provider's machine-readable reason.
	Code string `json:"code"`
}

func (PaymentAuthorized) Type() Type        { return "commerce.payments.payment-authorized.v1" }
func (PaymentFailed) Type() Type            { return "commerce.payments.payment-failed.v1" }
func (PaymentCaptured) Type() Type          { return "commerce.payments.payment-captured.v1" }
func (PaymentVoided) Type() Type            { return "commerce.payments.payment-voided.v1" }
func (PaymentRefunded) Type() Type          { return "commerce.payments.payment-refunded.v1" }
func (PaymentAttentionRequired) Type() Type { return "commerce.payments.payment-attention-required.v1" }

func (PaymentAuthorized) integrationEvent()        {}
func (PaymentFailed) integrationEvent()            {}
func (PaymentCaptured) integrationEvent()          {}
func (PaymentVoided) integrationEvent()            {}
func (PaymentRefunded) integrationEvent()          {}
func (PaymentAttentionRequired) integrationEvent() {}
