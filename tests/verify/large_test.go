//go:build !race

package verify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	audit "waybill.dev/cmd/waybill/verify"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/pgtest"
)

const (
	// timeBound is how long an audit may take an order: 90 s for 100,000, and 15 minutes for a million.
	timeBound = 900 * time.Microsecond
	// leastBound is for few orders: an audit has to begin and to end.
	leastBound = 10 * time.Second
	// memoryBound is what the program may take at most, however many orders there are.
	memoryBound = 500 << 20
	// ordersVariable says how many orders there are, manyOrders unless it is set.
	ordersVariable = "WAYBILL_TEST_ORDERS"
	manyOrders     = 100_000
)

// The race detector would measure itself, so that this is not run under it.
func TestManyOrdersInLittleTimeAndMemory(t *testing.T) {
	programs := t.TempDir()
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", programs+"/", "waybill.dev/cmd/waybill", "waybill.dev/tests/world/cmd/world").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	orders, err := strconv.Atoi(cmp.Or(os.Getenv(ordersVariable), strconv.Itoa(manyOrders)))
	if err != nil || orders < 1 {
		t.Fatalf("%s is no number of orders: %q", ordersVariable, os.Getenv(ordersVariable))
	}
	// It is written where it is read: a template and its copy would take twice the room.
	g := ground{brokers: kafkatest.Brokers(t), prefix: "large-", books: t.TempDir()}
	g.admin = pgtest.Database(t, pgtest.Template{Name: "empty"})
	began := time.Now()
	// By a process of its own: Linux counts what a process had in memory when it started another one as that one's peak, too.
	if output, err := exec.CommandContext(t.Context(), filepath.Join(programs, "world"), "-postgres", g.admin, "-kafka", strings.Join(g.brokers, ","),
		"-prefix", g.prefix, "-books", g.books, "-orders", strconv.Itoa(orders)).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	t.Logf("written in %s", time.Since(began).Round(time.Second))

	s := g.sources(t)
	command := exec.CommandContext(t.Context(), filepath.Join(programs, "waybill"), "verify", "--json", "--at-rest", "--prefix", s.Prefix,
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
	if want := int64(orders); !r.Clean || r.Orders != want || r.OK+r.Attention != want || r.OK < want/2 {
		show(t, r)
		t.Errorf("clean: %v; of %d orders %d are ok, %d with attention", r.Clean, r.Orders, r.OK, r.Attention)
	}
	usage := command.ProcessState.SysUsage().(*syscall.Rusage)
	peak := usage.Maxrss << 10 // Linux counts kilobytes
	worked := command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	t.Logf("%d orders audited in %s, %.0f a second, with %s of processor time and %d MB at most", r.Orders, r.Took.Round(time.Millisecond),
		float64(r.Orders)/r.Took.Seconds(), worked.Round(time.Millisecond), peak>>20)
	if bound := max(leastBound, time.Duration(orders)*timeBound); r.Took > bound {
		t.Errorf("it took %s, and may take %s", r.Took.Round(time.Millisecond), bound)
	}
	if peak > memoryBound {
		t.Errorf("it took %d MB, and may take %d", peak>>20, int64(memoryBound)>>20)
	}
}
