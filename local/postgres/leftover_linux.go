package postgres

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// runningOn are the processes of a server on the cluster: all of these have it as their working folder.
func runningOn(cluster string, _ int) []int {
	target, err := filepath.EvalSymlinks(cluster)
	if err != nil {
		return nil
	}
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	var pids []int
	for _, link := range links {
		if folder, err := os.Readlink(link); err != nil || folder != target {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil && isPostgres(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// isPostgres keeps a shell that somebody left in the folder from being taken for a server. A program that was upgraded meanwhile is
// called "postgres (deleted)".
func isPostgres(pid int) bool {
	program, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "exe"))
	return err == nil && strings.HasPrefix(filepath.Base(program), "postgres")
}
