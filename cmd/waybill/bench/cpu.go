package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"waybill.dev/cmd/waybill/suite"
)

// ticksPerSecond is what /proc counts CPU time in: USER_HZ, which is 100 on every Linux (proc(5)).
const ticksPerSecond = 100

// cpuSeconds is the CPU time that each process has used so far, its children's included. Where there is no /proc, or
// the processes run elsewhere, it is empty.
func cpuSeconds(processes []suite.Process) map[string]float64 {
	stats := map[int]stat{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat") // no error but for a bad pattern
	for _, path := range paths {
		if s, err := readStat(path); err == nil {
			stats[s.pid] = s
		}
	}
	owner := map[int]string{}
	for _, p := range processes {
		owner[p.PID] = p.Name
	}
	used := map[string]float64{}
	for _, p := range processes {
		if _, ok := stats[p.PID]; ok {
			used[p.Name] = 0
		}
	}
	for pid, s := range stats {
		// A process is counted for the nearest of those named above it.
		for at := pid; at > 1; at = stats[at].parent {
			if name, ok := owner[at]; ok {
				used[name] += s.seconds
				break
			}
		}
	}
	return used
}

type stat struct {
	pid, parent int
	// seconds are of the process itself and of those of its children that have ended.
	seconds float64
}

func readStat(path string) (stat, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return stat{}, err
	}
	// The program's name, in parentheses, may hold anything.
	before, after, ok := strings.Cut(string(raw), " (")
	end := strings.LastIndex(after, ") ")
	if !ok || end < 0 {
		return stat{}, fmt.Errorf("%s: not as proc(5) describes it", path)
	}
	fields := strings.Fields(after[end+2:]) // from state, the third field, on
	if len(fields) < 15 {
		return stat{}, fmt.Errorf("%s: too short", path)
	}
	var s stat
	if s.pid, err = strconv.Atoi(before); err != nil {
		return stat{}, err
	}
	if s.parent, err = strconv.Atoi(fields[1]); err != nil {
		return stat{}, err
	}
	for _, f := range fields[11:15] { // utime, stime, cutime, cstime
		ticks, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return stat{}, err
		}
		s.seconds += float64(ticks) / ticksPerSecond
	}
	return s, nil
}
