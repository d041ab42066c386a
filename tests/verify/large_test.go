//go:build !race

package verify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	audit "waybill.dev/cmd/waybill/verify"
	"waybill.dev/platform/kafkatest"
	"waybill.dev/platform/pgtest"
	"waybill.dev/tests/world"
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
	program := filepath.Join(t.TempDir(), "waybill")
	if output, err := exec.CommandContext(t.Context(), "go", "-C", "../../cmd/waybill", "build", "-o", program, ".").CombinedOutput(); err != nil {
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
	_, err = world.Write(t.Context(), world.Options{AdminURL: g.admin, Brokers: g.brokers, Prefix: g.prefix, Books: g.books, Orders: orders})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("written in %s", time.Since(began).Round(time.Second))

	s := g.sources(t)
	command := exec.CommandContext(t.Context(), program, "verify", "--json", "--at-rest", "--prefix", s.Prefix,
		"--kafka", strings.Join(s.Brokers, ","), "--provider", s.Provider, "--carrier", s.Carrier)
	command.Env = append(os.Environ(), "WAYBILL_AUDITOR_URL="+g.admin)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	measured := make(chan int64)
	go func() { measured <- peakOf(command.Process.Pid) }()
	if err := command.Wait(); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	peak := <-measured
	var r audit.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if want := int64(orders); !r.Clean || r.Orders != want || r.OK+r.Attention != want || r.OK < want/2 {
		show(t, r)
		t.Errorf("clean: %v; of %d orders %d are ok, %d with attention", r.Clean, r.Orders, r.OK, r.Attention)
	}
	worked := command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	t.Logf("%d orders audited in %s, %.0f a second, with %s of processor time and %d MB at most", r.Orders, r.Took.Round(time.Millisecond),
		float64(r.Orders)/r.Took.Seconds(), worked.Round(time.Millisecond), peak>>20)
	if bound := max(leastBound, time.Duration(orders)*timeBound); r.Took > bound {
		t.Errorf("it took %s, and may take %s", r.Took.Round(time.Millisecond), bound)
	}
	if peak == 0 || peak > memoryBound {
		t.Errorf("it took %d MB, and may take %d", peak>>20, int64(memoryBound)>>20)
	}
}

// peakOf is how many bytes a process has had in memory at most, when it has ended. What Linux says at its end does not tell:
// that counts what was in the memory of the one that started it, too.
func peakOf(process int) (peak int64) {
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process))
		_, line, found := strings.Cut(string(status), "VmHWM:")
		if err != nil || !found { // a process that has ended has no memory
			return peak
		}
		kilobytes, _ := strconv.ParseInt(strings.Fields(line)[0], 10, 64)
		peak = max(peak, kilobytes<<10)
		time.Sleep(10 * time.Millisecond)
	}
}
