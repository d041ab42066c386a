// Package postgres runs a PostgreSQL server as a child of this process, for one machine: it listens on
// loopback only, keeps everything in one data folder, and ends with its parent, however that one ends.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"waybill.dev/local/freeport"
	"waybill.dev/local/internal/child"
)

// Superuser is the role that owns the server. Its password is drawn at random for each data folder.
const Superuser = "waybill"

// Config says where and how a server runs.
type Config struct {
	// Data is the folder that holds the server's data and its superuser's password. It is created where it
	// is missing. It may be empty for an ephemeral server only, which then makes one of its own.
	Data string
	// Port is the TCP port on 127.0.0.1; 0 takes a free one.
	Port int
	// Binaries is Embedded, System, or a folder that holds initdb and postgres; empty means Embedded.
	Binaries string
	// Ephemeral is for data that nobody misses: nothing is forced to disk, and Stop removes the data folder.
	// Such a server starts from a new or an empty folder only.
	Ephemeral bool
	// Settings are PostgreSQL's own, by name. They win over those of this package.
	Settings map[string]string
	// Logger gets what the server writes to its log; nil drops it. Statements and the values in them are not
	// written there by the server (see defaults.go).
	Logger *slog.Logger
}

// Server is a PostgreSQL server, from Start to Stop.
type Server struct {
	config   Config
	folder   *folder
	binaries binaries
	identity identity
	port     int

	mutex   sync.Mutex
	process *child.Process
	stopped bool
}

const (
	// startPatience bounds a start: a recovery after a crash replays at most max_wal_size.
	startPatience = 2 * time.Minute
	// stopPatience bounds a fast shutdown, which writes a checkpoint.
	stopPatience = 30 * time.Second
	// pollInterval is how often a condition is looked at that nothing announces.
	pollInterval = 10 * time.Millisecond
	// portTries bounds how often another free port is tried when somebody else takes the one found free.
	portTries = 5
)

// Start starts a server and returns when it accepts connections. A server that an earlier process left running
// in the same data folder is stopped first. The context bounds the start only; a server ends by Stop.
//
// Each failure is one line: a taken port, a data folder that another process uses, that is broken or of another
// major version, binaries that are missing.
func Start(ctx context.Context, config Config) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	server, err := start(ctx, config, identities())
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return server, nil
}

func start(ctx context.Context, config Config, identities []identity) (*Server, error) {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Port != 0 {
		// Said before anything is fetched or initialised.
		if _, err := freeport.Pick(config.Port); err != nil {
			return nil, err
		}
	}
	folder, err := openFolder(config.Data, config.Ephemeral)
	if err != nil {
		return nil, err
	}
	s := &Server{config: config, folder: folder, port: config.Port}
	if err := s.open(ctx, identities); err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context, identities []identity) error {
	var err error
	if s.binaries, s.identity, err = findBinaries(ctx, s.config.Binaries, identities, s.config.Logger); err != nil {
		return err
	}
	if err := s.folder.prepare(s.binaries, s.identity, s.config.Ephemeral); err != nil {
		return err
	}
	return s.launch(ctx)
}

// launch runs the server until it accepts connections, on a port of its choice where none was given.
func (s *Server) launch(ctx context.Context) error {
	var err error
	for range portTries {
		port := s.port
		if port, err = freeport.Pick(port); err != nil {
			return err
		}
		if err = s.launchOn(ctx, port); err == nil {
			s.port = port
			return nil
		}
		if s.port != 0 || !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

func (s *Server) launchOn(ctx context.Context, port int) error {
	cluster := s.folder.cluster()
	if err := stopLeftover(ctx, cluster); err != nil {
		return err
	}
	process, err := child.Start(child.Command{
		Path:        s.binaries.path("postgres"),
		Args:        arguments(cluster, port, s.config.Ephemeral, s.config.Settings),
		Dir:         cluster,
		Env:         environment(),
		Attributes:  s.identity.attributes,
		DeathSignal: s.stopSignal(),
		Line:        func(line string) { logLine(s.config.Logger, line) },
	})
	if err != nil {
		return fmt.Errorf("start %s: %w", s.binaries.path("postgres"), err)
	}
	if err := s.awaitConnections(ctx, process, port); err != nil {
		return errors.Join(err, process.Stop(syscall.SIGQUIT, stopPatience))
	}
	s.process = process
	return nil
}

// awaitConnections returns when the server answers a query: while it recovers from a crash it refuses.
func (s *Server) awaitConnections(ctx context.Context, process *child.Process, port int) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	address := s.url("postgres", port)
	// Whoever took the port meanwhile may never answer: the server's end is an end to asking.
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-process.Done():
			cancel()
		case <-asking.Done():
		}
	}()
	for {
		err := ping(asking, address)
		if err == nil {
			return nil
		}
		var refused *pgconn.PgError
		if errors.As(err, &refused) && strings.HasPrefix(refused.Code, "28") { // invalid authorization
			select {
			case <-process.Done(): // it was somebody else's server that refused, on a port that ours did not get
				return startFailure(process.Lines(), port)
			case <-time.After(time.Second):
			}
			return fmt.Errorf("data folder %s is broken: its password does not open its cluster", s.folder.Path)
		}
		select {
		case <-process.Done():
			return startFailure(process.Lines(), port)
		case <-ctx.Done():
			return fmt.Errorf("no connections: %w", err)
		case <-ticker.C:
		}
	}
}

func ping(ctx context.Context, address string) error {
	connection, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	return errors.Join(connection.Ping(ctx), connection.Close(ctx))
}

// URL is the address of a database for the superuser. It holds the password.
func (s *Server) URL(database string) string { return s.url(database, s.port) }

func (s *Server) url(database string, port int) string {
	address := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(Superuser, s.folder.password),
		Host:     freeport.Address(port),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return address.String()
}

// Port is the TCP port on 127.0.0.1 that the server listens on.
func (s *Server) Port() int { return s.port }

// Major is the server's major version, such as 18.
func (s *Server) Major() int { return s.binaries.major }

// Pid is the process id of the server's postmaster.
func (s *Server) Pid() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.process.Pid()
}

// Done is closed when the server process has ended, asked to or not. Each Restart begins another.
func (s *Server) Done() <-chan struct{} {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.process.Done()
}

// Stop ends the server in order: open transactions are rolled back, connections closed. An ephemeral server's
// data is removed. Stopping twice is no error.
func (s *Server) Stop() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	err := s.process.Stop(s.stopSignal(), stopPatience)
	if err := errors.Join(err, s.folder.Close()); err != nil {
		return fmt.Errorf("postgres: stop: %w", err)
	}
	return nil
}

// stopSignal is a fast shutdown, with a checkpoint; data that nobody misses needs none.
func (s *Server) stopSignal() syscall.Signal {
	if s.config.Ephemeral {
		return syscall.SIGQUIT
	}
	return syscall.SIGINT
}

// Kill ends the server as a crash would, and keeps its data: the next Restart recovers. For tests.
func (s *Server) Kill() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.process.Stop(syscall.SIGQUIT, stopPatience)
}

// Restart starts a server that has ended again, on the same port and data.
func (s *Server) Restart(ctx context.Context) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.stopped {
		return errors.New("postgres: restart: the server was stopped for good")
	}
	if err := s.process.Stop(s.stopSignal(), stopPatience); err != nil {
		return fmt.Errorf("postgres: restart: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := s.launch(ctx); err != nil {
		return fmt.Errorf("postgres: restart: %w", err)
	}
	return nil
}

// environment is this process's own without what would steer the server by accident (PGDATA, PGPORT, PGOPTIONS …).
// Messages are read by startFailure, so they are asked for in English.
func environment() []string {
	kept := []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"} {
		if value, ok := os.LookupEnv(name); ok {
			kept = append(kept, name+"="+value)
		}
	}
	return kept
}
