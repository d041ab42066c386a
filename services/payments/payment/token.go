package payment

// Token stands for the customer's card at the payment provider. It is a secret: printed, alone or within a state,
// it shows nothing. Only its JSON is the token itself, because facts are stored as JSON.
type Token string

const redacted = "[redacted]"

func (Token) String() string   { return redacted }
func (Token) GoString() string { return redacted }
