package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill.dev/simulators/internal/journal"
)

const name = "test.jsonl"

func open(t *testing.T, folder string) (*journal.Journal, []string) {
	t.Helper()
	var records []string
	opened, err := journal.Open(folder, name, func(record []byte, _ journal.Position) error {
		records = append(records, string(record))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened, records
}

func write(t *testing.T, folder, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRecordsAreReplayedInOrder(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "made", "when", "missing")
	for round := range 3 {
		opened, records := open(t, folder)
		want := []string(nil)
		for i := range round * 2 {
			want = append(want, fmt.Sprintf(`"line %d\n"`, i))
		}
		if diff := cmp.Diff(want, records); diff != "" {
			t.Fatalf("round %d (-want +got):\n%s", round, diff)
		}
		for i := range 2 {
			if _, err := opened.Append(fmt.Sprintf("line %d\n", round*2+i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := opened.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFlushedRecordsAreInTheFileAndReadable(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{t.TempDir(), ""} {
		opened, _ := open(t, folder)
		var writers sync.WaitGroup
		for writer := range 16 {
			writers.Go(func() {
				for i := range 50 {
					record := fmt.Sprintf("writer %d record %d", writer, i)
					at, err := opened.Append(record)
					if err != nil {
						t.Error(err)
						return
					}
					if err := opened.Flush(); err != nil {
						t.Error(err)
						return
					}
					got, err := opened.Read(at)
					if err != nil || string(got) != `"`+record+`"` {
						t.Errorf("Read = %s, %v; want %q", got, err, record)
					}
				}
			})
		}
		writers.Wait()
		if err := opened.Close(); err != nil {
			t.Fatal(err)
		}
		if folder == "" {
			continue
		}
		if _, records := open(t, folder); len(records) != 16*50 {
			t.Errorf("%d records are in the file, want %d", len(records), 16*50)
		}
	}
}

func TestATornEndIsDropped(t *testing.T) {
	t.Parallel()
	for _, torn := range []string{`{"half`, `"no end"`, "\x00\x00\x00"} {
		folder := t.TempDir()
		write(t, folder, "\"whole\"\n"+torn)
		opened, records := open(t, folder)
		if diff := cmp.Diff([]string{`"whole"`}, records); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", torn, diff)
		}
		if _, err := opened.Append("next"); err != nil {
			t.Fatal(err)
		}
		if err := opened.Close(); err != nil {
			t.Fatal(err)
		}
		if _, records := open(t, folder); !cmp.Equal(records, []string{`"whole"`, `"next"`}) {
			t.Errorf("after %q and another record: %q", torn, records)
		}
	}
}

func TestDamageIsAnError(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, "\"whole\"\n{\"half\n\"whole\"\n")
	_, err := journal.Open(folder, name, func([]byte, journal.Position) error { return nil })
	if !errors.Is(err, journal.ErrDamaged) || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("Open = %v, want line 2 damaged", err)
	}
}

func TestReplaysErrorIsOpens(t *testing.T) {
	t.Parallel()
	folder, unfit := t.TempDir(), errors.New("unfit")
	write(t, folder, "\"whole\"\n")
	if _, err := journal.Open(folder, name, func([]byte, journal.Position) error { return unfit }); !errors.Is(err, unfit) {
		t.Errorf("Open = %v, want %v", err, unfit)
	}
}

func TestAFolderHasOneOwner(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	opened, _ := open(t, folder)
	_, err := journal.Open(folder, name, func([]byte, journal.Position) error { return nil })
	if !errors.Is(err, journal.ErrInUse) {
		t.Errorf("Open = %v, want ErrInUse", err)
	}
	if err := opened.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, folder)
}

func TestAFolderThatCannotBe(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(file, name, nil); err == nil {
		t.Error("Open took a file for a folder")
	}
}

func TestNothingIsTakenAfterClose(t *testing.T) {
	t.Parallel()
	opened, _ := open(t, t.TempDir())
	if err := opened.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := opened.Append("late"); err == nil {
		t.Error("Append took a record after Close")
	}
	if err := opened.Close(); err != nil {
		t.Errorf("a second Close = %v", err)
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	opened, _ := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := opened.Watch(ctx); err != nil {
		t.Errorf("Watch = %v", err)
	}
}

func BenchmarkAppendAndFlush(b *testing.B) {
	opened, err := journal.Open(b.TempDir(), name, func([]byte, journal.Position) error { return nil })
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = opened.Close() }()
	record := strings.Repeat("x", 300)
	b.SetParallelism(16)
	b.RunParallel(func(loop *testing.PB) {
		for loop.Next() {
			if _, err := opened.Append(record); err != nil {
				b.Error(err)
				return
			}
			if err := opened.Flush(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
