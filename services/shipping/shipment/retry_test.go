package shipment_test

import (
	"testing"

	"waybill.dev/platform/es"
	"waybill.dev/services/shipping/shipment"
)

func TestARetryAsksUnderANewNumber(t *testing.T) {
	s := given(t, pastAttention...)
	s.When(shipment.Retry(tenant, order)).Then(facts(retryCancel, cancelAgain)...).ThenJobs(cancelJob1)
	s.When(shipment.Retry(tenant, order)).ThenRefused(es.Conflict)
	// The first attempt's answer comes twice, the second time after the retry.
	s.When(shipment.RefuseCancel(tenant, order, 0, "cancellation_refused")).ThenNothing()
	s.When(take(saysNot)).Then(facts(shipment.Cancelled{})...).ThenJobs()
}

func TestARetryWhereNothingNeedsOneIsRefused(t *testing.T) {
	given(t).When(shipment.Retry(tenant, order)).ThenRefused(es.NotFound)
	given(t, orderHeard).When(shipment.Retry(tenant, order)).ThenRefused(es.Conflict)
	given(t, pastCancelling...).When(shipment.Retry(tenant, order)).ThenRefused(es.Conflict)
	given(t, append(pastAttention[:7:7], resolved)...).When(shipment.Retry(tenant, order)).ThenRefused(es.Conflict)
}
