package child

import (
	"fmt"
	"os"
	"strings"
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
	case "sleeper":
		fmt.Println("ready")
		select {}
	}
	os.Exit(m.Run())
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
