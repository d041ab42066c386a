package datafolder

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"waybill.dev/local/internal/filelock"
)

func TestOneHolderAtATime(t *testing.T) {
	t.Parallel()
	config := Config{Path: filepath.Join(t.TempDir(), "data"), Server: "test"}
	first, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(config); !errors.Is(err, filelock.ErrHeld) {
		t.Errorf("the second holder got %v, want %v", err, filelock.ErrHeld)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Open(config)
	if err != nil {
		t.Fatalf("after the first let go: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestSweepTakesOnlyWhatIsOldAndFree(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	const prefix = "waybill-test-data-"
	old := time.Now().Add(-2 * time.Hour)
	folders := map[string]string{}
	for _, name := range []string{"old", "young", "held"} {
		path := filepath.Join(temporary, prefix+name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		folders[name] = path
	}
	lock, err := filelock.Try(filepath.Join(folders["held"], lockName))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	for _, name := range []string{"old", "held"} {
		if err := os.Chtimes(folders[name], old, old); err != nil {
			t.Fatal(err)
		}
	}
	fresh, err := Open(Config{Ephemeral: true, Server: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"old": false, "young": true, "held": true} {
		if _, err := os.Stat(folders[name]); (err == nil) != want {
			t.Errorf("the %s folder is there: %t, want %t", name, err == nil, want)
		}
	}
	if err := fresh.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(fresh.Path); !os.IsNotExist(err) {
		t.Errorf("the ephemeral folder is still there: %v", err)
	}
}
