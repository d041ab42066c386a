// Package kafka runs Apache Kafka itself as a child of this process: one node in KRaft mode, broker and controller in
// one, on loopback. It is for tests and measurements that must not rest on anything less than the real broker.
//
// It needs Java 17 or later, and Maven once, to fetch Kafka's jars into the user's cache folder.
package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"waybill.dev/local/freeport"
	"waybill.dev/local/internal/child"
	"waybill.dev/local/internal/datafolder"
)

// DefaultVersion is the release of Kafka that runs where none is named.
const DefaultVersion = "4.1.0"

// defaultHeapMB serves topics of the suite's size at tens of thousands of records a second.
const defaultHeapMB = 512

// Config says where and how a broker runs.
type Config struct {
	// Data is the folder that holds the broker's data. It is created where it is missing. It may be empty for an
	// ephemeral broker only, which then makes one of its own.
	Data string
	// Port is the TCP port on 127.0.0.1; 0 takes a free one. The controller takes a free one always.
	Port int
	// AdvertisedPort is the port on 127.0.0.1 that clients are told to connect to, where something stands between them
	// and the broker; 0 means Port.
	AdvertisedPort int
	// Version is the release of Kafka, 3.6.0 or later; empty means DefaultVersion.
	Version string
	// HeapMB is the size that the Java heap may grow to, in MiB; 0 means 512.
	HeapMB int
	// Ephemeral is for data that nobody misses: Stop kills the broker and removes the data folder. Such a broker starts
	// from a new or an empty folder only.
	Ephemeral bool
	// Logger gets what the broker writes; nil drops it.
	Logger *slog.Logger
}

// Server is a broker, from Start to Stop.
type Server struct {
	config  Config
	folder  *datafolder.Folder
	runtime runtime
	port    int

	mutex   sync.Mutex
	process *child.Process
	stopped bool
}

const (
	// startPatience bounds a start, and a recovery of logs that were not closed. Fetching the jars comes before it.
	startPatience = 2 * time.Minute
	// stopPatience bounds an orderly end.
	stopPatience = 30 * time.Second
	// pollInterval is how often a broker that starts is asked whether it serves.
	pollInterval = 20 * time.Millisecond
	// portTries bounds how often other free ports are tried when somebody else takes the ones found free.
	portTries = 3
)

// Start starts a broker and returns when it serves. The context bounds the start only; a broker ends by Stop, or with
// this process, however that one ends.
//
// Each failure is one line: Java or Maven is missing, a port is taken, the data folder is used by another process.
func Start(ctx context.Context, config Config) (*Server, error) {
	server, err := start(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return server, nil
}

func start(ctx context.Context, config Config) (*Server, error) {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Version == "" {
		config.Version = DefaultVersion
	}
	if config.HeapMB == 0 {
		config.HeapMB = defaultHeapMB
	}
	if config.Port != 0 {
		// Said before anything is fetched.
		if _, err := freeport.Pick(config.Port); err != nil {
			return nil, err
		}
	}
	folder, err := datafolder.Open(datafolder.Config{
		Path: config.Data, Ephemeral: config.Ephemeral, Server: "kafka", Entries: []string{logName, propertiesName, formattingName},
	})
	if err != nil {
		return nil, err
	}
	s := &Server{config: config, folder: folder, port: config.Port}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) error {
	var err error
	if s.runtime, err = findRuntime(ctx, s.config.Version, s.config.Logger); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := format(s.runtime, s.folder.Path); err != nil {
		return err
	}
	return s.launch(ctx)
}

func (s *Server) launch(ctx context.Context) error {
	var err error
	for range portTries {
		var port, controller int
		if port, controller, err = pickPorts(s.port); err != nil {
			return err
		}
		s.process, err = run(ctx, s.runtime, s.config, s.folder.Path, port, controller)
		if err == nil {
			s.port = port
			return nil
		}
		if !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

// pickPorts picks the broker's port, any for 0, and another one for its controller.
func pickPorts(wanted int) (broker, controller int, err error) {
	if broker, err = freeport.Pick(wanted); err != nil {
		return 0, 0, err
	}
	for controller = broker; controller == broker; {
		if controller, err = freeport.Pick(0); err != nil {
			return 0, 0, err
		}
	}
	return broker, controller, nil
}

// run runs a broker on a formatted folder until it serves.
func run(ctx context.Context, runtime runtime, config Config, folder string, port, controller int) (*child.Process, error) {
	properties := filepath.Join(folder, propertiesName)
	if err := os.WriteFile(properties, brokerProperties(filepath.Join(folder, logName), port, cmp.Or(config.AdvertisedPort, port), controller), 0o600); err != nil {
		return nil, err
	}
	process, err := child.Start(child.Command{
		Path: runtime.java,
		Args: runtime.arguments(config.HeapMB, "kafka.Kafka", properties),
		Dir:  folder,
		Env:  environment(),
		// An orderly end takes a while, in which the next start finds the folder and the port taken. Kafka recovers
		// from this one.
		DeathSignal: syscall.SIGKILL,
		Line:        func(line string) { logLine(config.Logger, line) },
	})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", runtime.java, err)
	}
	if err := awaitServing(ctx, process, port); err != nil {
		return nil, errors.Join(err, process.Stop(syscall.SIGKILL, stopPatience))
	}
	return process, nil
}

// Brokers are the addresses to connect to, as clients take them.
func (s *Server) Brokers() []string { return []string{freeport.Address(s.port)} }

// Port is the TCP port on 127.0.0.1 that the broker listens on.
func (s *Server) Port() int { return s.port }

// Pid is the process id of the broker.
func (s *Server) Pid() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.process.Pid()
}

// Stop ends the broker in order; an ephemeral one is killed, and its data removed. Stopping twice is no error.
func (s *Server) Stop() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	signal := syscall.SIGTERM
	if s.config.Ephemeral {
		signal = syscall.SIGKILL
	}
	// A broker that was paused would not hear of it.
	err := errors.Join(s.process.Signal(syscall.SIGCONT), s.process.Stop(signal, stopPatience))
	if err := errors.Join(err, s.folder.Close()); err != nil {
		return fmt.Errorf("kafka: stop: %w", err)
	}
	return nil
}

// Pause stops the broker's process where it is, as a machine that hangs does: connections stay open and nothing answers.
func (s *Server) Pause() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.process.Pause()
}

// Resume lets a paused broker go on.
func (s *Server) Resume() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.process.Signal(syscall.SIGCONT)
}

// Kill ends the broker as a crash would, and keeps its data.
func (s *Server) Kill() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.process.Stop(syscall.SIGKILL, stopPatience)
}

// Restart starts a broker that was killed again, on the same port and data; one that still runs is killed first.
func (s *Server) Restart(ctx context.Context) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.stopped {
		return errors.New("kafka: restart: the broker was stopped for good")
	}
	if err := s.process.Stop(syscall.SIGKILL, stopPatience); err != nil {
		return fmt.Errorf("kafka: restart: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := s.launch(ctx); err != nil {
		return fmt.Errorf("kafka: restart: %w", err)
	}
	return nil
}
