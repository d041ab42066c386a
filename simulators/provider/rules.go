package provider

import "time"

// refuses returns the code with which an operation on a payment is refused, empty when it may be done. For an
// authorization the payment is the one that it would make. The token has its say only about what the books
// allow, so that an operation which could never succeed is told so.
func (l *ledger) refuses(subject *payment, kind OperationKind, amount Money, now time.Time) string {
	if code := forbidden(subject, kind, amount, now); code != "" {
		return code
	}
	if l.allowed[subject.reference] {
		return ""
	}
	return subject.token.refusal(kind)
}

// forbidden returns the code of what the books alone forbid.
func forbidden(subject *payment, kind OperationKind, amount Money, now time.Time) string {
	switch {
	case kind == Authorize && subject.token == "":
		return "unknown_token"
	case kind == Authorize:
		return ""
	case !subject.authorized:
		return "not_authorized"
	case kind != Void && amount.Currency != subject.amount.Currency:
		return "currency_mismatch"
	case kind == Refund && subject.captured == 0:
		return "not_captured"
	case kind == Refund && amount.Amount > subject.captured-subject.refunded:
		return "amount_too_large"
	case kind == Refund:
		return ""
	case subject.captured > 0:
		return "already_captured"
	case subject.voided:
		return "already_voided"
	case subject.expired(now):
		return "authorization_expired"
	case kind == Capture && amount.Amount > subject.amount.Amount:
		return "amount_too_large"
	default:
		return ""
	}
}

// message tells people what a code means.
func message(code string) string {
	switch code {
	case "unknown_token":
		return "there is no such payment token"
	case "card_declined":
		return "the card was declined"
	case "insufficient_funds":
		return "the account does not hold that much"
	case "not_authorized":
		return "this payment was declined: nothing is held"
	case "authorization_expired":
		return "the hold has ended by itself: nothing is held"
	case "already_captured":
		return "the payment was captured under another key"
	case "already_voided":
		return "the payment was voided under another key"
	case "not_captured":
		return "nothing was captured that could be given back"
	case "amount_too_large":
		return "that is more than is left of this payment"
	case "currency_mismatch":
		return "the payment is in another currency"
	default: // capture_refused, refund_refused, void_refused
		return "the provider refuses this until it is allowed"
	}
}
