package provider

import "time"

// Money is an amount in minor units (cents) of an ISO 4217 currency.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// OperationKind is what is asked of a payment.
type OperationKind string

// The kinds of operations.
const (
	Authorize OperationKind = "authorize" // hold the money
	Capture   OperationKind = "capture"   // take what is held, all or a part; the rest is let go
	Void      OperationKind = "void"      // let go what is held
	Refund    OperationKind = "refund"    // give back what was taken, all or a part
)

// AuthorizeRequest is the body of POST /v1/payments.
type AuthorizeRequest struct {
	Reference string `json:"reference"` // "{tenant}/{order}"
	Amount    Money  `json:"amount"`
	Token     Token  `json:"token"`
}

// AmountRequest is the body of POST /v1/payments/{id}/capture and /refund.
type AmountRequest struct {
	Amount Money `json:"amount"`
}

// Result is the answer to an operation that succeeded.
type Result struct {
	ID        string     `json:"id"`                  // of what was made: pay_…, cap_…, void_… or ref_…
	Payment   string     `json:"payment,omitempty"`   // the payment's id; not for an authorization
	Status    string     `json:"status"`              // authorized, captured, voided or refunded
	Reference string     `json:"reference,omitempty"` // of an authorization only, as the two below
	Amount    *Money     `json:"amount,omitempty"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"` // when the hold ends by itself
}

// Refusal is the answer to an operation that was refused for good: HTTP 402, and 422 for unknown_token.
//
// The codes: what the tokens say (card_declined, insufficient_funds, capture_refused, refund_refused,
// void_refused), unknown_token, and what the books forbid: not_authorized (the payment was declined),
// authorization_expired, already_captured, already_voided, not_captured, amount_too_large,
// currency_mismatch.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// OperationRecord is an operation in a payment's books.
type OperationRecord struct {
	Key       string        `json:"key"`
	Operation OperationKind `json:"operation"`
	Status    string        `json:"status"`         // succeeded or refused
	Code      string        `json:"code,omitempty"` // of the refusal
	At        time.Time     `json:"at"`
}

// OperationOutcome is the answer to GET /v1/operations/{key}.
type OperationOutcome struct {
	OperationRecord
	Payment string  `json:"payment"`          // the payment's id
	Result  *Result `json:"result,omitempty"` // where it succeeded
}

// Payment is a payment in the books. Amounts are in minor units of Amount.Currency.
type Payment struct {
	ID        string `json:"id"`
	Reference string `json:"reference"`
	Amount    Money  `json:"amount"` // asked for
	// Status is declined, authorized, expired, voided, captured, partially_refunded or refunded.
	Status     string            `json:"status"`
	Authorized int64             `json:"authorized"` // zero when it was declined
	Captured   int64             `json:"captured"`
	Refunded   int64             `json:"refunded"`
	Held       bool              `json:"held"` // the money is held now: authorized, and neither expired nor settled
	ExpiresAt  *time.Time        `json:"expiresAt,omitempty"`
	Operations []OperationRecord `json:"operations"`
}

// PaymentPage is the answer to GET /v1/payments; Next is the cursor of the next page, empty at the end.
type PaymentPage struct {
	Payments []Payment `json:"payments"`
	Next     string    `json:"next,omitempty"`
}
