package order_test

import (
	"testing"
	"time"

	"waybill.dev/services/orders/order"
)

func TestExpects(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) time.Time { return heardAt.Add(d) }
	for name, c := range map[string]struct {
		past []order.Event
		step order.Step
		due  time.Time
	}{
		"unknown":           {nil, "", time.Time{}},
		"only heard of":     {[]order.Event{authorized}, "", time.Time{}},
		"placed":            {[]order.Event{placed()}, order.StepAuthorization, t0.Add(2 * time.Minute)},
		"authorized":        {[]order.Event{placed(), authorized}, order.StepReservation, at(3 * time.Minute)},
		"reserved":          {[]order.Event{placed(), authorized, reserved}, order.StepShipment, at(48 * time.Hour)},
		"reserved first":    {[]order.Event{placed(), reserved}, order.StepShipment, at(48 * time.Hour)},
		"shipped":           {[]order.Event{placed(), shipped}, order.StepCapture, at(time.Hour)},
		"requested":         {[]order.Event{placed(), reserved, requested}, order.StepCancellation, at(90 * time.Minute)},
		"refused":           {[]order.Event{placed(), reserved, requested, refused}, order.StepShipment, at(48 * time.Hour)},
		"refused, and gone": {[]order.Event{placed(), requested, order.CancellationRefused{HeardAt: at(time.Hour)}}, order.StepShipment, at(49 * time.Hour)},
		"on its way back":   {[]order.Event{placed(), order.ShippingFailed{HeardAt: heardAt}}, order.StepCancellation, at(90 * time.Minute)},
		"an answer starts the clock anew": {[]order.Event{placed(), requested, order.ShipmentCancelled{HeardAt: at(time.Hour)}, order.StockReleased{HeardAt: at(80 * time.Minute)}},
			order.StepCancellation, at(170 * time.Minute)},
		"a person looks":          {[]order.Event{placed(), shipped, captureRefused}, "", time.Time{}},
		"a person has looked":     {[]order.Event{placed(), requested, cancelRefused, order.ShipmentCancelled{HeardAt: at(5 * time.Hour)}}, order.StepCancellation, at(6*time.Hour + 30*time.Minute)},
		"the answer is due first": {[]order.Event{placed(), order.CancellationRequested{RequestedAt: t0.Add(-time.Hour)}, shipped}, order.StepCancellation, t0.Add(30 * time.Minute)},
		"completed":               {[]order.Event{placed(), shipped, captured, completed}, "", time.Time{}},
		"cancelled":               {[]order.Event{placed(), order.PaymentVoided{}, cancelled}, "", time.Time{}},
		"resolved":                {[]order.Event{placed(), shipped, captureRefused, resolved}, "", time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, ok := state(c.past...).Expects()
			if ok != (c.step != "") || e.Step != c.step || !e.Due.Equal(c.due) {
				t.Errorf("expects %q by %v (%t), want %q by %v", e.Step, e.Due, ok, c.step, c.due)
			}
		})
	}
}

func TestDurationIsStoredAsItIsWritten(t *testing.T) {
	t.Parallel()
	var d order.Duration
	if err := d.UnmarshalText([]byte("1h30m")); err != nil || d != order.Duration(90*time.Minute) {
		t.Errorf("%v, %v", time.Duration(d), err)
	}
	if text, err := d.MarshalText(); err != nil || string(text) != "1h30m0s" {
		t.Errorf("%s, %v", text, err)
	}
	if err := d.UnmarshalText([]byte("soon")); err == nil {
		t.Error("took what is no duration")
	}
}
