package child

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// roleVariable makes the test program a child with something to do.
const roleVariable = "WAYBILL_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "talker":
		fmt.Print("first\n\n  second  \nlast without an end")
		os.Exit(3)
	case "counter":
		count(os.Args[1])
	case "sleeper":
		fmt.Println("ready")
		select {}
	}
	os.Exit(m.Run())
}

// count counts on, in more threads than there are processors, and notes how far it has come.
func count(file string) {
	notes, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	const threads = 32
	runtime.GOMAXPROCS(threads)
	var counted atomic.Uint64
	for range threads {
		go func() {
			for {
				if _, err := notes.WriteAt(binary.BigEndian.AppendUint64(nil, counted.Add(1)), 0); err != nil {
					panic(err)
				}
			}
		}()
	}
	fmt.Println("ready")
	select {}
}

func self(t *testing.T, role string) Command {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Command{Path: program, Env: append(os.Environ(), roleVariable+"="+role)}
}

func TestRunTellsWhatTheChildSaid(t *testing.T) {
	t.Parallel()
	command := self(t, "talker")
	var lines []string
	command.Line = func(line string) { lines = append(lines, line) }
	err := Run(command)
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "last without an end") {
		t.Errorf("got %v, want the status and the last line", err)
	}
	if difference := cmp.Diff([]string{"first", "second", "last without an end"}, lines); difference != "" {
		t.Errorf("lines (-want +got):\n%s", difference)
	}
}

func TestStopKillsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	ready := make(chan struct{})
	command := self(t, "sleeper")
	command.Line = func(string) { close(ready) }
	process, err := Start(command)
	if err != nil {
		t.Fatal(err)
	}
	<-ready
	// SIGCONT is nothing to a process that runs: only the kill ends it.
	if err := process.Stop(syscall.SIGCONT, 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	select {
	case <-process.Done():
	default:
		t.Error("Stop returned, and the child is not done")
	}
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("a signal to a child that has ended: %v", err)
	}
}

func TestAPausedChildDoesNothing(t *testing.T) {
	t.Parallel()
	notes := filepath.Join(t.TempDir(), "notes")
	if err := os.WriteFile(notes, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	command := self(t, "counter")
	command.Args = []string{notes}
	command.Line = func(string) { close(ready) }
	process, err := Start(command)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := process.Stop(syscall.SIGKILL, time.Minute); err != nil {
			t.Error(err)
		}
	}()
	<-ready
	read := func() []byte {
		noted, err := os.ReadFile(notes)
		if err != nil {
			t.Fatal(err)
		}
		return noted
	}
	last := read()
	for range 20 {
		for bytes.Equal(read(), last) {
			time.Sleep(time.Millisecond) // it goes on when it has been let
		}
		if err := process.Pause(); err != nil {
			t.Fatal(err)
		}
		last = read()
		for range 1000 {
			if now := read(); !bytes.Equal(now, last) {
				t.Fatalf("a paused child went on from %x to %x", last, now)
			}
		}
		if err := process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	if err := process.Stop(syscall.SIGKILL, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := process.Pause(); err != nil {
		t.Errorf("the pause of one that has ended: %v", err)
	}
}

func TestMissingProgram(t *testing.T) {
	t.Parallel()
	if _, err := Start(Command{Path: "/nowhere/program"}); err == nil {
		t.Error("it started, and should not have")
	}
}

func TestOnlyTheLastLinesAreKept(t *testing.T) {
	t.Parallel()
	writer := new(lineWriter)
	for number := range 2 * linesKept {
		if _, err := fmt.Fprintf(writer, "%d\n", number); err != nil {
			t.Fatal(err)
		}
	}
	kept := writer.last()
	if len(kept) != linesKept || kept[linesKept-1] != fmt.Sprint(2*linesKept-1) {
		t.Errorf("kept %v", kept)
	}
}
