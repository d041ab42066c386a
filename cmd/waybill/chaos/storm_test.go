package chaos

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestSchedule(t *testing.T) {
	t.Parallel()
	kinds := []kind{
		{name: "a", targets: []string{"x", "y"}, shortest: second, longest: 3 * second},
		{name: "b", targets: []string{"x"}},
		{name: "c", targets: []string{"x", "y", "z"}, shortest: second, longest: second},
	}
	say := func(seed uint64) (said []string) {
		for _, f := range schedule(seed, 10*between, kinds) {
			if !slices.Contains(f.kind.targets, f.target) || f.length < f.kind.shortest || f.length > f.kind.longest {
				t.Errorf("%s at %s", f, f.at)
			}
			said = append(said, f.at.String()+" "+f.String())
		}
		return said
	}
	one := say(1)
	if len(one) != 10 {
		t.Errorf("%d faults in ten times %s", len(one), between)
	}
	if !slices.Equal(one, say(1)) {
		t.Error("a seed stands for two schedules")
	}
	if slices.Equal(one, say(2)) {
		t.Error("two seeds stand for one schedule")
	}
	count := map[string]int{}
	for _, f := range schedule(3, 5*between, kinds) {
		count[f.kind.name]++
	}
	if len(count) != 3 || max(count["a"], count["b"], count["c"]) > 2 {
		t.Errorf("five faults of three kinds are %v: each must come once before any comes twice", count)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "simulators"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good := Config{Binaries: folder, Duration: time.Minute, Rate: 10}
	for name, c := range map[string]Config{
		"no time": {Binaries: folder, Rate: 10}, "no orders": {Binaries: folder, Duration: time.Minute},
		"too many": {Binaries: folder, Duration: time.Minute, Rate: 1e6}, "no programs": {Binaries: t.TempDir(), Duration: time.Minute, Rate: 10},
	} {
		if c.Validate() == nil {
			t.Errorf("%s is no error", name)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}
