package up

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"waybill.dev/local/broker"
	"waybill.dev/local/postgres"
	"waybill.dev/platform/server"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/suite"
)

// Suite is a suite that runs in this process, from Start to Stop.
type Suite struct {
	config      Config
	description suite.Description
	connections suite.Connections
	logger      *slog.Logger

	// alive ends when a part has ended by itself, and says why.
	alive context.Context
	fail  context.CancelCauseFunc

	folder   string
	log      *os.File         // nil where the caller's logger is used
	listener net.Listener     // of the start page
	page     *http.Server     // nil until the suite is ready
	postgres *postgres.Server // nil where another is used
	broker   *broker.Broker   // nil where another is used

	// Services stop before the simulators that they call.
	services, simulators runners

	stop    sync.Once
	stopErr error
}

// Start starts a suite and returns when it is ready: when every service can be reached, hears events and works its
// jobs. The context bounds the start only; a suite ends by Stop. Each failure is one line.
func Start(ctx context.Context, config Config) (*Suite, error) {
	if config.Progress == nil {
		config.Progress = func(string) {}
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	s := &Suite{config: config}
	s.alive, s.fail = context.WithCancelCause(context.WithoutCancel(ctx))
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Suite) start(ctx context.Context) (err error) {
	if s.listener, err = listen(s.config.address(pageName), pageName); err != nil {
		return err
	}
	if s.folder, err = s.config.folder(); err != nil {
		return err
	}
	if err := s.openLog(); err != nil {
		return err
	}
	if s.config.TenantsFile == "" {
		if s.config.TenantsFile, err = writeTenants(s.folder); err != nil {
			return err
		}
	}
	outside, err := listenOutside(s.config)
	if err != nil {
		return err
	}
	defer outside.close() // those that nobody has taken over
	if s.config.PostgresURL == "" {
		s.config.Progress("Starting PostgreSQL (the first start on a machine fetches it)")
	}
	foundation, err := s.lay(ctx)
	if err != nil {
		return err
	}
	s.config.Progress("Starting the services")
	if err := s.startServices(ctx, foundation, outside); err != nil {
		return err
	}
	s.describe(foundation, outside)
	s.connections = foundation.connections
	if err := suite.SaveConnections(s.folder, s.connections); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if err := s.awaitWorking(ctx); err != nil {
		return err
	}
	s.servePage()
	return nil
}

func (s *Suite) openLog() (err error) {
	if s.logger = s.config.Logger; s.logger != nil {
		return nil
	}
	s.log, err = os.OpenFile(filepath.Join(s.folder, LogName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	s.logger = server.NewLogger(s.log, slog.LevelInfo)
	return nil
}

func (s *Suite) describe(f foundation, outside *outside) {
	s.description = suite.Description{
		Version:      s.config.Version,
		StartedAt:    time.Now().UTC(),
		Services:     map[string]string{},
		Simulators:   outside.addresses(),
		KafkaBrokers: f.brokers,
		DataFolder:   s.folder,
		Processes:    []suite.Process{{Name: "waybill", PID: os.Getpid()}},
	}
	for name, running := range f.services {
		s.description.Services[name] = "http://" + running.Addr()
	}
	if s.postgres != nil {
		s.description.Processes = append(s.description.Processes, suite.Process{Name: "postgres", PID: s.postgres.Pid()})
	}
}

// patience is how long the services may take to become ready. PostgreSQL and Kafka answer by then.
const patience = 2 * time.Minute

// awaitWorking waits until every service can be reached, hears events and works its jobs.
func (s *Suite) awaitWorking(ctx context.Context) error {
	ctx, stop := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not ready after %s", patience))
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.alive, func() { cancel(context.Cause(s.alive)) })()
	asking := client.New(suite.SeenFrom(s.description, DefaultHost))
	defer asking.Close()
	all, ctx := errgroup.WithContext(ctx)
	for _, name := range suite.ServiceNames() {
		all.Go(func() error {
			return client.Await(ctx, func(ctx context.Context) error {
				readiness, err := asking.Readiness(ctx, name)
				if err != nil {
					return err
				}
				return readiness.Working()
			})
		})
	}
	return all.Wait()
}

func (s *Suite) servePage() {
	s.page = &http.Server{Handler: suite.Handler(s.description), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.page.Serve(s.listener) }() // until Stop
}

// URL is where the suite describes itself.
func (s *Suite) URL() string {
	return suite.SeenFrom(suite.Description{Services: map[string]string{pageName: "http://" + s.listener.Addr().String()}},
		DefaultHost).Services[pageName]
}

// Description says where everything is.
func (s *Suite) Description() suite.Description { return suite.SeenFrom(s.description, DefaultHost) }

// Connections are the logins to the suite's databases.
func (s *Suite) Connections() suite.Connections { return s.connections }

// Failed is closed when a part has ended by itself. The suite is of no use then, but for being stopped.
func (s *Suite) Failed() <-chan struct{} { return s.alive.Done() }

// Err says which part has ended, and why; nil while all go on.
func (s *Suite) Err() error { return context.Cause(s.alive) }

// Stop ends the suite: first what takes requests, then what these need. It may be called again.
func (s *Suite) Stop() error {
	s.stop.Do(func() { s.stopErr = s.end() })
	return s.stopErr
}

func (s *Suite) end() error {
	var errs []error
	if s.page != nil {
		errs = append(errs, s.page.Close())
	} else if s.listener != nil {
		_ = s.listener.Close()
	}
	s.services.stop()
	s.simulators.stop()
	if s.broker != nil {
		errs = append(errs, s.broker.Stop())
	}
	if s.postgres != nil {
		errs = append(errs, s.postgres.Stop())
	}
	if s.log != nil {
		_ = s.log.Close()
	}
	if s.config.Ephemeral && s.folder != "" {
		errs = append(errs, os.RemoveAll(s.folder))
	}
	return errors.Join(errs...)
}

// runners are parts that run until they are stopped together.
type runners struct {
	cancel  context.CancelFunc
	ctx     context.Context
	running sync.WaitGroup
}

func (r *runners) start(run func(context.Context)) {
	if r.cancel == nil {
		r.ctx, r.cancel = context.WithCancel(context.Background())
	}
	r.running.Go(func() { run(r.ctx) })
}

func (r *runners) stop() {
	if r.cancel != nil {
		r.cancel()
	}
	r.running.Wait()
}
