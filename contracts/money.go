package contracts

// Money is an amount in the minor units of a currency: 1999 EUR is €19.99.
type Money struct {
	// Amount counts minor units as ISO 4217 defines them for the currency.
	Amount int64 `json:"amount"`
	// Currency is an ISO 4217 alphabetic code, "EUR".
	Currency string `json:"currency"`
}
