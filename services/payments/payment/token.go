package payment

import "log/slog"

// Token stands for the customer's card at the payment provider. It is a secret: printed or logged it shows
// nothing, and only its JSON is the token itself.
type Token string

const redacted = "[redacted]"

func (Token) String() string       { return redacted }
func (Token) GoString() string     { return redacted }
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }
