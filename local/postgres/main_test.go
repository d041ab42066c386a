package postgres

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// hostVariable makes the test program a process that runs a server on the folder it names, so that a test can
// kill the parent of a server.
const hostVariable = "WAYBILL_TEST_HOST_DATA"

func TestMain(m *testing.M) {
	if data := os.Getenv(hostVariable); data != "" {
		if err := host(data); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// host runs a server until its input ends, and says where it is.
func host(data string) error {
	server, err := Start(context.Background(), Config{Data: data, Binaries: System})
	if err != nil {
		return err
	}
	fmt.Println(server.URL("postgres"), server.Pid())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return server.Stop()
}

// hosted is a server whose parent is another process.
type hosted struct {
	command *exec.Cmd
	input   io.Closer
	url     string
	pid     int
}

func startHosted(t *testing.T, program, data string, credential *syscall.Credential) hosted {
	t.Helper()
	command := exec.Command(program)
	command.Env = append(os.Environ(), hostVariable+"="+data, "HOME="+data)
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	complaints := new(strings.Builder)
	command.Stderr = complaints
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill() })
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		_ = command.Wait()
		t.Fatalf("the host said nothing: %v: %s", err, complaints)
	}
	url, pidText, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, err := strconv.Atoi(pidText)
	if err != nil {
		t.Fatal(err)
	}
	return hosted{command: command, input: input, url: url, pid: pid}
}

// mustStart starts a server that the test's end stops.
func mustStart(t *testing.T, config Config) *Server {
	t.Helper()
	server, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// dataFolder is a new folder that every user may reach.
func dataFolder(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp("", "waybill-postgres-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(parent); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(parent, "data")
}

func execute(t *testing.T, url, statement string) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.Background())
	if _, err := connection.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func query[T any](t *testing.T, url, statement string) T {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.Background())
	var value T
	if err := connection.QueryRow(t.Context(), statement).Scan(&value); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return value
}

// eventually waits for a condition that nothing announces.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(pollInterval) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited until %s", what)
		}
	}
}

func wantFailure(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("it started, and should not have")
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has several lines:\n%v", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
}
