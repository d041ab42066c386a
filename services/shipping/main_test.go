package shipping_test

import (
	"testing"

	"waybill.dev/platform/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
