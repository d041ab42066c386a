package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// leftoverPatience is how long a server that was left running may take for its checkpoint.
const leftoverPatience = 20 * time.Second

// stopLeftover ends whatever still runs on the cluster, which this process has locked: a server whose parent was
// killed is shut down by the kernel's signal on Linux, and may not have come to its end yet; elsewhere it was
// told nothing. A server's processes that outlived their postmaster end by themselves.
func stopLeftover(ctx context.Context, cluster string) error {
	pidFile := filepath.Join(cluster, "postmaster.pid")
	recorded := recordedPid(pidFile)
	for begin := time.Now(); ; {
		running := runningOn(cluster, recorded)
		if len(running) == 0 {
			break
		}
		// A server in the middle of one shutdown takes a further signal of the same kind as nothing new.
		signal := syscall.SIGINT
		if time.Since(begin) > leftoverPatience {
			signal = syscall.SIGQUIT
		}
		for _, pid := range running {
			if pid == recorded || signal == syscall.SIGQUIT {
				_ = syscall.Kill(pid, signal)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("a server left running in %s (pid %d) does not stop", cluster, running[0])
		case <-time.After(pollInterval):
		}
	}
	if recorded != 0 && syscall.Kill(recorded, 0) == nil {
		// The pid now belongs to a process that has nothing to do with us, and would keep the server from starting.
		if err := os.Remove(pidFile); !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// recordedPid is the process id in the first line of the pid file, or 0.
func recordedPid(pidFile string) int {
	content, err := os.ReadFile(pidFile)
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}
