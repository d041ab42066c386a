package saga

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"waybill.dev/platform/pgtest"
)

// TestMain lets all ways go on at once, whatever the number of processors: they wait far more than they compute.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "100"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	pgtest.Main(m)
}
