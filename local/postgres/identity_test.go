package postgres

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Each way to run a server by root, and the plain one for everybody else.
func TestEveryIdentityRunsAServer(t *testing.T) {
	t.Parallel()
	for _, id := range identities() {
		for _, origin := range []string{System, Embedded} {
			t.Run(id.name+"/"+origin, func(t *testing.T) {
				t.Parallel()
				server, err := start(t.Context(), Config{Data: dataFolder(t), Binaries: origin}, []identity{id})
				if err != nil {
					t.Fatal(err)
				}
				execute(t, server.URL("postgres"), "CREATE TABLE kept AS SELECT 42 AS value")
				if err := server.Kill(); err != nil {
					t.Fatal(err)
				}
				if err := server.Restart(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := query[int](t, server.URL("postgres"), "SELECT value FROM kept"); got != 42 {
					t.Errorf("the table holds %d, want 42", got)
				}
				if err := server.Stop(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestRootsOwnFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Log("only root has to become somebody else")
		return
	}
	data := dataFolder(t)
	if err := os.Chmod(filepath.Dir(data), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := start(t.Context(), Config{Data: data, Binaries: System}, []identity{nobody()})
	wantFailure(t, err, "the user nobody", "may not enter "+filepath.Dir(data))

	server := mustStart(t, Config{Data: data, Binaries: System})
	if got := query[int](t, server.URL("postgres"), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 gives %d", got)
	}
}

// A parent without root's powers: here, this very program run as nobody.
func TestUnprivilegedParent(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Log("every other test runs without root's powers already")
		return
	}
	unprivileged := nobody()
	data := dataFolder(t)
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(filepath.Dir(data), "program")
	copyProgram(t, program)
	if err := unprivileged.give(data); err != nil {
		t.Fatal(err)
	}
	host := startHosted(t, program, data, unprivileged.attributes.Credential)
	if got := query[int](t, host.url, "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 gives %d", got)
	}
	if err := host.input.Close(); err != nil {
		t.Fatal(err)
	}
	if err := host.command.Wait(); err != nil {
		t.Errorf("the host failed: %v", err)
	}
	if syscall.Kill(host.pid, 0) == nil {
		t.Errorf("the server, pid %d, still runs", host.pid)
	}
}

func copyProgram(t *testing.T, to string) {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(file, from); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}
