package audit

import (
	"slices"

	"waybill.dev/platform/es"
	"waybill.dev/services/notifications/mail"
	"waybill.dev/services/payments/payment"
	"waybill.dev/services/shipping/shipment"
)

// checkJobs: whatever is asked and not answered has a job that asks. The two stand in one transaction, and the job is
// done only when the answer is noted.
func (a *account) checkJobs() {
	if p, pending := a.payment.Pending(); pending && !slices.Contains(a.Jobs, es.Job(payment.Ask{
		Order: a.Order, Operation: p.Operation, Number: p.Number, Key: p.Key,
	})) {
		a.find(OneEnd, "%s is not answered, and no job asks the provider", p.Key)
	}
	if asking := a.shipment.Asking; asking != (shipment.Attempt{}) && !slices.ContainsFunc(a.Jobs, func(j es.Job) bool {
		asks, ok := j.(interface{ Attempt() shipment.Attempt })
		return ok && asks.Attempt() == asking
	}) {
		a.find(OneEnd, "%s/%d is not answered, and no job asks the carrier", asking.Operation, asking.Number)
	}
	for _, m := range a.mails.Mails {
		if m.Status == mail.Sending && !slices.Contains(a.Jobs, es.Job(mail.Send{Order: a.Order, Mail: m.Kind})) {
			a.find(OneEnd, "the mail %s is not sent, and no job sends it", m.Kind)
		}
	}
}
