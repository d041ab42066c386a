//go:build chaos

package clock_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"waybill.dev/platform/clock"
)

func TestClockIsSetWhileTheProcessRuns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "offset")
	t.Setenv("CHAOS_CLOCK_OFFSET", file)
	for _, c := range []struct {
		content string
		offset  time.Duration
	}{
		{"", 0}, {"1h30m\n", 90 * time.Minute}, {"-48h", -48 * time.Hour}, {"no duration", 0},
	} {
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if off := time.Until(clock.Now()) - c.offset; off.Abs() > time.Minute {
			t.Errorf("with %q the clock is %v off what was set", c.content, off)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if off := time.Until(clock.Now()); off.Abs() > time.Minute {
		t.Errorf("without its file the clock is %v off", off)
	}
	if time.Since(clock.Monotonic()) < 0 {
		t.Error("a mark lies ahead")
	}
}
