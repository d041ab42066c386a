package provider

import "strings"

// Token is what an order pays with. It decides how the provider behaves for that payment.
type Token string

// The tokens. Any other is refused for good with the code unknown_token.
const (
	// TokenOK lets everything succeed.
	TokenOK Token = "tok_ok"
	// TokenDeclined refuses the authorization: card_declined.
	TokenDeclined Token = "tok_declined"
	// TokenInsufficientFunds refuses the authorization: insufficient_funds.
	TokenInsufficientFunds Token = "tok_insufficient_funds"
	// TokenSlow does each operation at once and answers it after Config.SlowAnswer.
	TokenSlow Token = "tok_slow"
	// TokenUnanswered does each operation, and cuts the connection instead of answering the first request of
	// each key; the same request again is answered.
	TokenUnanswered Token = "tok_unanswered"
	// TokenUnansweredAuthorize is TokenUnanswered for the authorization only; the three below likewise.
	TokenUnansweredAuthorize Token = "tok_unanswered_authorize"
	TokenUnansweredCapture   Token = "tok_unanswered_capture"
	TokenUnansweredRefund    Token = "tok_unanswered_refund"
	TokenUnansweredVoid      Token = "tok_unanswered_void"
	// TokenFailsOnce answers the first request of each key with a 500 and does nothing; then all works.
	TokenFailsOnce Token = "tok_fails_once"
	// TokenRefuseCapture refuses every capture, capture_refused, until the payment is allowed.
	TokenRefuseCapture Token = "tok_refuse_capture"
	// TokenRefuseRefund refuses every refund, refund_refused, until the payment is allowed.
	TokenRefuseRefund Token = "tok_refuse_refund"
	// TokenRefuseVoid refuses every void, void_refused, until the payment is allowed.
	TokenRefuseVoid Token = "tok_refuse_void"
)

// known returns the token when it is one of ours. Only these are kept in the books: what else somebody sends
// as a token is nothing to keep.
func (t Token) known() bool {
	switch t {
	case TokenOK, TokenDeclined, TokenInsufficientFunds, TokenSlow, TokenUnanswered, TokenUnansweredAuthorize,
		TokenUnansweredCapture, TokenUnansweredRefund, TokenUnansweredVoid, TokenFailsOnce, TokenRefuseCapture,
		TokenRefuseRefund, TokenRefuseVoid:
		return true
	default:
		return false
	}
}

// refusal returns the code with which the token refuses an operation until it is allowed; empty for none.
func (t Token) refusal(kind OperationKind) string {
	switch {
	case t == TokenDeclined && kind == Authorize:
		return "card_declined"
	case t == TokenInsufficientFunds && kind == Authorize:
		return "insufficient_funds"
	case t == TokenRefuseCapture && kind == Capture, t == TokenRefuseRefund && kind == Refund,
		t == TokenRefuseVoid && kind == Void:
		return string(kind) + "_refused"
	default:
		return ""
	}
}

// unanswered says whether the first request for an operation is left without an answer.
func (t Token) unanswered(kind OperationKind) bool {
	only, found := strings.CutPrefix(string(t), string(TokenUnanswered)+"_")
	return t == TokenUnanswered || found && only == string(kind)
}
