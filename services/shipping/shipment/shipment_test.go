package shipment_test

import (
	"testing"

	"waybill.dev/services/shipping/shipment"
)

func TestStatus(t *testing.T) {
	for name, c := range map[string]struct {
		past []shipment.Event
		want shipment.Status
		open bool
	}{
		"nothing heard":                   {nil, shipment.StatusWaiting, false},
		"order heard":                     {[]shipment.Event{orderHeard}, shipment.StatusWaiting, false},
		"booking under way":               {pastBooking, shipment.StatusBooking, false},
		"booked":                          {pastBooked, shipment.StatusBooked, true},
		"booking under way, to be undone": {append(pastBooking[:3:3], cancelHeard), shipment.StatusCancelling, false},
		"cancelling":                      {pastCancelling, shipment.StatusCancelling, true},
		"attention":                       {pastAttention, shipment.StatusCancelling, true},
		"attention, resolved":             {append(pastAttention[:7:7], resolved), shipment.StatusBooked, false},
		"cancelled":                       {append(pastCancelling[:6:6], shipment.Cancelled{}), shipment.StatusCancelled, false},
		"shipped":                         {pastShipped, shipment.StatusShipped, true},
		"shipped, too late to cancel":     {append(pastShipped[:5:5], cancelHeard, shipment.CancellationRefused{}), shipment.StatusShipped, true},
		"delivered":                       {append(pastShipped[:5:5], delivered), shipment.StatusDelivered, false},
		"failed":                          {pastFailed, shipment.StatusFailed, false},
		"failed, then cancelled":          {append(pastFailed[:4:4], cancelHeard), shipment.StatusFailed, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := shipment.Category.Fold(shipment.Shipment{}, c.past...)
			if got := s.Status(); got != c.want {
				t.Errorf("status %q, want %q", got, c.want)
			}
			if got := s.IsOpen(); got != c.open {
				t.Errorf("open %t, want %t", got, c.open)
			}
		})
	}
}
