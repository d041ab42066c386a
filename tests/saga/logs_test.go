package saga

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// logs are what the processes have written, by the names of their files.
func logs(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Error(err)
	}
	all := map[string][]byte{}
	for _, e := range entries {
		if all[e.Name()], err = os.ReadFile(filepath.Join(folder, e.Name())); err != nil {
			t.Error(err)
		}
	}
	return all
}

// checkLogs fails the test where the race detector has found something in a process, where one has panicked, and where
// one has told what is private.
func checkLogs(t *testing.T, folder string) {
	t.Helper()
	for name, log := range logs(t, folder) {
		checkLeaks(t, name, log)
		if i := bytes.Index(log, []byte("WARNING: DATA RACE")); i >= 0 {
			t.Errorf("%s: %s", name, log[i:min(len(log), i+8000)])
		}
		if i := bytes.Index(log, []byte("\npanic: ")); i >= 0 {
			t.Errorf("%s: %s", name, log[i:min(len(log), i+8000)])
		}
	}
}

// showLogs tells what the processes warned of, the last of it.
func showLogs(t *testing.T, folder string) {
	t.Helper()
	const shown = 15
	for name, log := range logs(t, folder) {
		var warnings [][]byte
		for line := range bytes.Lines(log) {
			var record struct{ Level string }
			if json.Unmarshal(line, &record) != nil || record.Level == "WARN" || record.Level == "ERROR" {
				warnings = append(warnings, bytes.TrimSpace(line))
			}
		}
		if n := len(warnings); n > 0 {
			t.Logf("%s, the last of %d warnings:\n%s", name, n, bytes.Join(warnings[max(0, n-shown):], []byte("\n")))
		}
	}
}
