package mail_test

import (
	"testing"

	"waybill.dev/services/notifications/mail"
)

func TestSettle(t *testing.T) {
	t.Parallel()
	shipped := due(mail.OrderShipped, "Parcel SP1")
	given(t, contact, shipped).When(mail.Settle(stream, mail.OrderShipped, 0)).Then(facts(mail.Sent{Mail: mail.OrderShipped})...)
	given(t, contact, shipped).When(mail.Settle(stream, mail.OrderShipped, 550)).Then(facts(mail.Refused{Mail: mail.OrderShipped, Code: 550})...)
	// A second answer, from a job that ran beside its rescue, changes nothing.
	given(t, contact, shipped, mail.Sent{Mail: mail.OrderShipped}).When(mail.Settle(stream, mail.OrderShipped, 550)).ThenNothing()
	given(t, contact).When(mail.Settle(stream, mail.OrderShipped, 0)).ThenNothing()
}
