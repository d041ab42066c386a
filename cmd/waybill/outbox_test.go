package main

import (
	"errors"
	"strings"
	"testing"

	"waybill.dev/platform/messaging"
)

func TestWhatKafkaRefusesAgainIsTold(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	tellRefused(&out, "orders", nil)
	if out.Len() != 0 {
		t.Errorf("nothing was refused, and told is %q", out.String())
	}
	tellRefused(&out, "orders", []messaging.Refused{
		{MessageID: "m1", Topic: "commerce.orders.order-placed", Err: errors.New("too large")},
		{Err: errors.New("no object")},
	})
	for _, want := range []string{"2 messages of orders", "m1 for commerce.orders.order-placed: too large", "an unreadable one for no topic: no object"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("told is %q, without %q", out.String(), want)
		}
	}
}
