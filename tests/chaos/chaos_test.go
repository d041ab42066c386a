//go:build chaos

package chaos

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"waybill.dev/cmd/waybill/chaos"
)

// Every kind of fault comes over a suite under load, and what must hold holds. The seed of a run that does not end well
// is in what it says.
func TestTheBooksHoldAfterEveryFault(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	cmd := exec.CommandContext(t.Context(), program(t, "waybill"), "chaos", "--duration", "3m", "--json", file,
		"--binaries", filepath.Dir(program(t, "orders")))
	said, err := cmd.CombinedOutput()
	t.Logf("%s", said)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report chaos.Report
	if err := json.Unmarshal(content, &report); err != nil {
		t.Fatal(err)
	}
	if !report.Clean || report.Accepted == 0 || report.Completed == 0 || report.Accepted != report.Completed+report.Cancelled+report.Attention {
		t.Errorf("clean: %v; of %d orders %d completed, %d were cancelled, %d need attention",
			report.Clean, report.Accepted, report.Completed, report.Cancelled, report.Attention)
	}
	if report.Struck() < 30 {
		t.Errorf("%d faults struck, want 30 or more", report.Struck())
	}
	if len(report.Faults)+len(report.NotRun) != 21 {
		t.Errorf("there are %d kinds of faults, want all: %v", len(report.Faults), report.Faults)
	}
	for kind, struck := range report.Faults {
		if struck == 0 {
			t.Errorf("%s did not strike", kind)
		}
	}
	for kind, why := range report.NotRun {
		if kind != "full disk" || report.Faults[kind] > 0 || why == "" {
			t.Errorf("%s is said to be not run, because %q, and struck %d times", kind, why, report.Faults[kind])
		}
	}
}

// However it ends, it leaves no process behind.
func TestNothingIsLeftRunning(t *testing.T) {
	for _, c := range []struct {
		name    string
		signal  syscall.Signal
		removed bool // its folder
	}{{"interrupted", syscall.SIGINT, true}, {"killed", syscall.SIGKILL, false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if err := os.Chmod(folder, 0o711); err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			cmd := exec.CommandContext(t.Context(), program(t, "waybill"), "chaos", "--binaries", filepath.Dir(program(t, "orders")))
			cmd.Env = append(os.Environ(), "TMPDIR="+folder)
			cmd.Stderr = &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "two of each service run", func() bool { return len(runningIn(t, folder)) >= 15 })
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			if cmd.Wait() == nil {
				t.Error("it ended as if all was well")
			}
			eventually(t, "nothing runs any more", func() bool { return len(runningIn(t, folder)) == 0 })
			left, err := filepath.Glob(filepath.Join(folder, "waybill-chaos-*"))
			if err != nil || len(left) == 0 != c.removed {
				t.Errorf("it left %v, %v\n%s", left, err, said.String())
			}
		})
	}
}

// runningIn are the processes that work with the folder.
func runningIn(t *testing.T, folder string) (pids []int) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, process := range processes {
		environment, _ := os.ReadFile(filepath.Join(process, "environ")) // it may have ended, or be somebody else's
		if pid, err := strconv.Atoi(filepath.Base(process)); err == nil && strings.Contains(string(environment), "TMPDIR="+folder) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	patience := time.After(4 * time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-patience:
			t.Fatalf("not in four minutes: %s", what)
		}
	}
}
