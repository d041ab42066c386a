package verify

import (
	"os"
	"testing"

	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(func() int { return kafkatest.Run(m.Run) })) }
