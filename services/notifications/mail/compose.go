package mail

import (
	"fmt"
	"regexp"
	"strings"
)

// Letter is a mail as a customer reads it.
type Letter struct {
	Subject string
	Text    string
}

// Compose writes the mail for an order's customer.
func Compose(m Mails, mail Mail, order string) Letter {
	subject, text := words(mail)
	return Letter{
		Subject: fmt.Sprintf("%s (order %s)", subject, order),
		Text:    fmt.Sprintf("Dear %s,\n\n%s\n\nYour order: %s\n", m.Name, text, order),
	}
}

func words(mail Mail) (subject, text string) {
	switch mail.Kind {
	case OrderReceived:
		return "We have received your order", "thank you for your order. We will tell you when it is on its way."
	case OrderShipped:
		return "Your order is on its way", "your parcel has been handed to the carrier: " + mail.Detail + "."
	case OrderDelivered:
		return "Your order has been delivered", "your parcel has been delivered."
	case OrderCompleted:
		return "Your order is complete", "your order has been shipped and paid: " + mail.Detail + "."
	case OrderCancelled:
		return "Your order has been cancelled", "your order has been cancelled, and nothing is owed for it. The reason: " + reason(mail.Detail) + "."
	case OrderResolved:
		return "Your order has been settled", "we have settled your order by hand. It is now " + mail.Detail + "."
	case PaymentFailed:
		return "Your payment was refused", "your payment was refused: " + reason(mail.Detail) + "."
	case PaymentRefunded:
		return "Your money is on its way back", "we have refunded " + mail.Detail + "."
	case CancellationRefused:
		return "Your order could not be cancelled", "your order had left us already, so that it could not be cancelled."
	}
	return "About your order", mail.Detail
}

var (
	aCode     = regexp.MustCompile(`^[a-z0-9]+([_.-][a-z0-9]+)*$`)
	separator = strings.NewReplacer("_", " ", ".", " ", "-", " ")
)

// reason puts the code of a refusal in words. What a person gave as the reason is left as it is.
func reason(detail string) string {
	if !aCode.MatchString(detail) {
		return detail
	}
	return separator.Replace(detail)
}
