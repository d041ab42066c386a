package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func write(folder string) error {
	return os.WriteFile(filepath.Join(folder, "content"), []byte("whole"), 0o600)
}

func TestBuiltOnceForAllWhoAsk(t *testing.T) {
	t.Parallel()
	base := filepath.Join(t.TempDir(), "base")
	var builds atomic.Int32
	var askers sync.WaitGroup
	for range 8 {
		askers.Go(func() {
			folder, err := Install(t.Context(), base, "thing", func(_ context.Context, folder string) error {
				builds.Add(1)
				return write(folder)
			})
			if err != nil {
				t.Error(err)
				return
			}
			if content, err := os.ReadFile(filepath.Join(folder, "content")); err != nil || string(content) != "whole" {
				t.Errorf("found %q, %v", content, err)
			}
		})
	}
	askers.Wait()
	if got := builds.Load(); got != 1 {
		t.Errorf("built %d times, want once", got)
	}
}

func TestBuildCutShortIsBegunAnew(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	broken := errors.New("broken")
	_, err := Install(t.Context(), base, "thing", func(_ context.Context, folder string) error {
		return errors.Join(write(folder), broken)
	})
	if !errors.Is(err, broken) {
		t.Fatalf("got %v, want %v", err, broken)
	}
	// What a killed process leaves behind.
	if err := os.MkdirAll(filepath.Join(base, "thing.partial", "half"), 0o700); err != nil {
		t.Fatal(err)
	}
	folder, err := Install(t.Context(), base, "thing", func(_ context.Context, folder string) error { return write(folder) })
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != "content" {
		t.Errorf("the folder holds %v, want the content alone", entries)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Install(t.Context(), base, "thing", func(context.Context, string) error {
		cancel()
		_, err := Install(ctx, base, "thing", func(context.Context, string) error { return nil })
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
