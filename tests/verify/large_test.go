//go:build !race

package verify

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	audit "waybill.dev/cmd/waybill/verify"
	"waybill.dev/tests/world"
)

const (
	manyOrders = 100_000
	// memoryBound is what the program may take at most, however many orders there are.
	memoryBound = 500 << 20
)

// The race detector would measure itself, so that this is not run under it.
func TestAHundredThousandOrdersInLittleMemory(t *testing.T) {
	program := filepath.Join(t.TempDir(), "waybill")
	if output, err := exec.CommandContext(t.Context(), "go", "-C", "../../cmd/waybill", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	began := time.Now()
	g := newGround(t, "large", func(o *world.Options) { o.Orders = manyOrders })
	t.Logf("written in %s", time.Since(began).Round(time.Second))

	s := g.sources(t)
	command := exec.CommandContext(t.Context(), program, "verify", "--json", "--at-rest", "--prefix", s.Prefix,
		"--kafka", strings.Join(s.Brokers, ","), "--provider", s.Provider, "--carrier", s.Carrier)
	command.Env = append(os.Environ(), "WAYBILL_AUDITOR_URL="+g.admin)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	var r audit.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if !r.Clean || r.Orders != manyOrders || r.OK+r.Attention != manyOrders || r.OK < manyOrders/2 {
		show(t, r)
		t.Errorf("clean: %v; of %d orders %d are ok, %d with attention", r.Clean, r.Orders, r.OK, r.Attention)
	}
	usage := command.ProcessState.SysUsage().(*syscall.Rusage)
	peak := usage.Maxrss << 10 // Linux counts kilobytes
	t.Logf("%d orders audited in %s, %.0f a second, with %d MB at most", r.Orders, r.Took.Round(time.Millisecond),
		float64(r.Orders)/r.Took.Seconds(), peak>>20)
	if peak > memoryBound {
		t.Errorf("it took %d MB, and may take %d", peak>>20, int64(memoryBound)>>20)
	}
}
