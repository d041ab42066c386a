package postgres

import (
	"net"
	"net/url"
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

func TestServerKeepsItsData(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{System, Embedded} {
		t.Run(origin, func(t *testing.T) {
			t.Parallel()
			data := dataFolder(t)
			config := Config{Data: data, Binaries: origin, Settings: map[string]string{"work_mem": "7MB"}}
			server := mustStart(t, config)

			execute(t, server.URL("postgres"), "CREATE DATABASE shop")
			execute(t, server.URL("shop"), "CREATE TABLE kept AS SELECT 42 AS value")
			for setting, want := range map[string]string{
				"fsync": "on", "synchronous_commit": "on", "listen_addresses": "127.0.0.1", "max_connections": "200",
				"unix_socket_directories": "", "work_mem": "7MB", "server_encoding": "UTF8", "TimeZone": "UTC",
			} {
				if got := query[string](t, server.URL("shop"), "SHOW "+setting); got != want {
					t.Errorf("%s is %q, want %q", setting, got, want)
				}
			}
			version := query[string](t, server.URL("shop"), "SHOW server_version_num")
			if !strings.HasPrefix(version, strconv.Itoa(server.Major())) {
				t.Errorf("version %s, the server says it is %d", version, server.Major())
			}
			if origin == Embedded && server.Major() != 18 {
				t.Errorf("embedded is PostgreSQL %d, want 18", server.Major())
			}
			if err := server.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := server.Stop(); err != nil {
				t.Errorf("stopping twice: %v", err)
			}

			again := mustStart(t, config)
			if got := query[int](t, again.URL("shop"), "SELECT value FROM kept"); got != 42 {
				t.Errorf("after a restart the table holds %d, want 42", got)
			}
		})
	}
}

func TestPasswordIsRandomPrivateAndAskedFor(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	server := mustStart(t, Config{Data: data, Binaries: System})
	info, err := os.Stat(filepath.Join(data, "password"))
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("the password file has mode %o, want 600", mode)
	}
	address, err := url.Parse(server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	if password, _ := address.User.Password(); len(password) < 20 {
		t.Errorf("the password has %d characters, want 20 or more", len(password))
	}
	address.User = url.UserPassword(Superuser, "a guess")
	_, err = pgx.Connect(t.Context(), address.String())
	wantFailure(t, err, "password authentication failed")
}

func TestAPasswordThatDoesNotFitIsToldAtOnce(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	server := mustStart(t, Config{Data: data, Binaries: System})
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "password"), []byte("another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err := Start(t.Context(), Config{Data: data, Binaries: System})
	wantFailure(t, err, "data folder", "broken", "password")
	if took := time.Since(began); took > startPatience/2 {
		t.Errorf("it took %v", took)
	}
}

func TestEphemeralLeavesNothing(t *testing.T) {
	t.Parallel()
	server := mustStart(t, Config{Ephemeral: true, Binaries: System})
	if got := query[string](t, server.URL("postgres"), "SHOW fsync"); got != "off" {
		t.Errorf("fsync is %s, want off", got)
	}
	path := query[string](t, server.URL("postgres"), "SHOW data_directory")
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", filepath.Dir(path), err)
	}
}

func TestEphemeralSparesDataThatIsThere(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	server := mustStart(t, Config{Data: data, Binaries: System})
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Config{Data: data, Binaries: System, Ephemeral: true})
	wantFailure(t, err, "holds data already")
	if _, err := os.Stat(filepath.Join(data, clusterName, "PG_VERSION")); err != nil {
		t.Errorf("the data is gone: %v", err)
	}
}

func TestKillAndRestart(t *testing.T) {
	t.Parallel()
	server := mustStart(t, Config{Data: dataFolder(t), Binaries: System})
	execute(t, server.URL("postgres"), "CREATE TABLE kept AS SELECT 42 AS value")
	address := server.URL("postgres")
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-server.Done():
	default:
		t.Error("the server was killed and is not done")
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := query[int](t, address, "SELECT value FROM kept"); got != 42 {
		t.Errorf("after the crash the table holds %d, want 42", got)
	}
}

// The parent is killed, the server is not told by it, and a new parent takes over at once.
func TestServerEndsWithItsKilledParent(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	host := startHosted(t, program, data, nil)
	execute(t, host.url, "CREATE TABLE kept AS SELECT 42 AS value")

	_, err = Start(t.Context(), Config{Data: data, Binaries: System})
	wantFailure(t, err, "data folder "+data+" is in use", strconv.Itoa(host.command.Process.Pid))

	if err := host.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.command.Wait()
	server := mustStart(t, Config{Data: data, Binaries: System})
	// The old server is gone but for its entry in the process table, which its new parent takes away.
	eventually(t, "the old server's process is gone", func() bool { return syscall.Kill(host.pid, 0) != nil })
	if got := query[int](t, server.URL("postgres"), "SELECT value FROM kept"); got != 42 {
		t.Errorf("the table holds %d, want 42", got)
	}
}

func TestServerEndsWithItsKilledParentByItself(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	host := startHosted(t, program, dataFolder(t), nil)
	if err := host.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.command.Wait()
	eventually(t, "the server ended", func() bool { return syscall.Kill(host.pid, 0) != nil })
}

// A server that nobody stopped: what remains where the kernel has no death signal.
func TestLeftoverServerIsStopped(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	first := mustStart(t, Config{Data: data, Binaries: System})
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	leftover := exec.Command(first.binaries.path("postgres"), arguments(first.folder.cluster(), first.port, false, nil)...)
	attributes := first.identity.attributes
	leftover.SysProcAttr = &attributes
	leftover.Dir, leftover.Env = first.folder.cluster(), environment()
	if err := leftover.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- leftover.Wait() }()
	t.Cleanup(func() { _ = leftover.Process.Kill() })
	eventually(t, "the leftover server answers", func() bool { return ping(t.Context(), first.URL("postgres")) == nil })

	second := mustStart(t, Config{Data: data, Binaries: System})
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the leftover server was not shut down in order: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the leftover server still runs")
	}
	if got := query[int](t, second.URL("postgres"), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 gives %d", got)
	}
}

func TestPidFileOfAnotherProcess(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	first := mustStart(t, Config{Data: data, Binaries: System})
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	// After a crash the pid may have gone to somebody else: here, to this test.
	stale := strconv.Itoa(os.Getppid()) + "\n" + filepath.Join(data, clusterName) + "\n0\n0\n\n127.0.0.1\n0\n"
	if err := os.WriteFile(filepath.Join(data, clusterName, "postmaster.pid"), []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	second := mustStart(t, Config{Data: data, Binaries: System})
	if got := query[int](t, second.URL("postgres"), "SELECT 1"); got != 1 {
		t.Errorf("SELECT 1 gives %d", got)
	}
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	_, err = Start(t.Context(), Config{Data: dataFolder(t), Binaries: System, Port: port})
	wantFailure(t, err, "port "+strconv.Itoa(port), "taken")
}

// Between the look at the port and the server's own bind somebody else may take it.
func TestPortTakenMeanwhile(t *testing.T) {
	t.Parallel()
	server := mustStart(t, Config{Data: dataFolder(t), Binaries: System})
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	err = server.launchOn(t.Context(), listener.Addr().(*net.TCPAddr).Port)
	wantFailure(t, err, "port ", "is taken")
}

func TestMissingBinaries(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	_, err := Start(t.Context(), Config{Data: dataFolder(t), Binaries: empty})
	wantFailure(t, err, "no PostgreSQL programs in "+empty)
}

func TestConcurrentStartsOfOneFolder(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	const starters = 3
	servers, failures := make(chan *Server, starters), make(chan error, starters)
	for range starters {
		go func() {
			server, err := Start(t.Context(), Config{Data: data, Binaries: System})
			servers <- server
			failures <- err
		}()
	}
	started := 0
	for range starters {
		if server, err := <-servers, <-failures; err != nil {
			wantFailure(t, err, "in use")
		} else {
			started++
			defer server.Stop()
		}
	}
	if started != 1 {
		t.Errorf("%d servers started on one folder", started)
	}
}
