// Package processes runs a suite as it would run in earnest: every service and every simulator a process of its
// own, on free ports, with PostgreSQL and Kafka given. Each can be stopped, killed, paused and started again.
package processes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/local/freeport"
	"waybill.dev/platform/postgres"
)

// Config says what a suite is made of.
type Config struct {
	// Binaries is the folder with the programs: one of each service's name, and "simulators".
	Binaries string
	// PostgresURL logs in to the suite's database as one who may create roles. The services' schemas and roles are
	// made there.
	PostgresURL string
	// KafkaBrokers are host:port each.
	KafkaBrokers []string
	// PublishPrefix stands before the topics that the services publish to, HearPrefix before those that they hear.
	PublishPrefix, HearPrefix string
	// TenantsFile holds the tenants' settings; empty for the defaults.
	TenantsFile string
	// LogFolder gets a file for each process with what it writes. It is created where it is missing.
	LogFolder string
	// SimulatorData is the folder of the simulators' books; empty lets them end with their process.
	SimulatorData string
	// PickUpAfter and DeliverAfter are how long the carrier takes; zero is at once.
	PickUpAfter, DeliverAfter time.Duration
	// Replicas says how many processes a service has, by its name; one where it is not named.
	Replicas map[string]int
	// Environment are further variables, "NAME=value", by the name of a service or a simulator; those under ""
	// are for all services.
	Environment map[string][]string
	// Each gives the further variables of a single process, by its name; they win over those of Environment. It may be
	// nil.
	Each func(process string) []string
	// Listen is the address of the suite's own page; empty is a free port on loopback.
	Listen string
	// Version is told in the suite's description.
	Version string
}

// Suite is a suite of processes.
type Suite struct {
	config      Config
	processes   []*Process // the simulators first
	byName      map[string]*Process
	description suite.Description
	page        *http.Server
	pageURL     string
}

// Start provisions the database and starts every process. It returns when all can be reached, hear events and work
// their jobs, and stops what it has started where one does not. The context bounds the start only; a suite ends by Stop, and with this process.
func Start(ctx context.Context, config Config) (*Suite, error) {
	access, err := postgres.Provision(ctx, config.PostgresURL, suite.ServiceNames()...)
	if err != nil {
		return nil, fmt.Errorf("provision the database: %w", err)
	}
	if err := os.MkdirAll(config.LogFolder, 0o700); err != nil {
		return nil, fmt.Errorf("log folder: %w", err)
	}
	s := &Suite{config: config, byName: map[string]*Process{}}
	if err := s.plan(access); err != nil {
		return nil, err
	}
	if err := s.launch(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if err := s.servePage(); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// plan gives every process its address, and tells each of the others'.
func (s *Suite) plan(access map[string]postgres.Access) error {
	address := map[string]string{}
	for _, name := range slices.Concat(suite.ServiceNames(), suite.SimulatorNames(), []string{suite.SMTP}) {
		port, err := freeport.Pick(0)
		if err != nil {
			return err
		}
		address[name] = freeport.Address(port)
	}
	url := func(name string) string { return "http://" + address[name] }
	webhookSecret := suite.NewWebhookSecret()

	simulators := map[string][]string{
		suite.Provider: {"PROVIDER_LISTEN=" + address[suite.Provider]},
		suite.Carrier: {
			"CARRIER_LISTEN=" + address[suite.Carrier],
			"CARRIER_PICK_UP_AFTER=" + s.config.PickUpAfter.String(),
			"CARRIER_DELIVER_AFTER=" + s.config.DeliverAfter.String(),
			"CARRIER_WEBHOOK_URL=" + url(suite.Shipping) + "/v1/carrier-webhooks",
			"CARRIER_WEBHOOK_SECRET=" + webhookSecret,
		},
		suite.Mailbox: {
			"MAILBOX_LISTEN=" + address[suite.Mailbox],
			"MAILBOX_LISTEN_SMTP=" + address[suite.SMTP],
		},
	}
	for _, name := range suite.SimulatorNames() {
		env := simulators[name]
		if s.config.SimulatorData != "" {
			env = append(env, "SIMULATOR_DATA="+filepath.Join(s.config.SimulatorData, name))
		}
		s.add(&Process{
			name: name, path: filepath.Join(s.config.Binaries, "simulators"), args: []string{name},
			env: s.environment(name, name, env), url: url(name), ready: "/healthz",
		})
	}

	services := map[string][]string{
		suite.Payments: {"PROVIDER_URL=" + url(suite.Provider)},
		suite.Shipping: {
			"CARRIER_URL=" + url(suite.Carrier),
			"CARRIER_WEBHOOK_SECRET=" + webhookSecret,
		},
		suite.Notifications: {"SMTP_ADDRESS=" + address[suite.SMTP]},
	}
	for _, name := range suite.ServiceNames() {
		for replica := range max(1, s.config.Replicas[name]) {
			process, listen := name, address[name]
			if replica > 0 {
				process = name + "-" + strconv.Itoa(replica+1)
				port, err := freeport.Pick(0)
				if err != nil {
					return err
				}
				listen = freeport.Address(port)
			}
			env := slices.Concat([]string{
				"LISTEN=" + listen,
				"DATABASE_URL=" + access[name].ServiceURL,
				"MIGRATIONS_URL=" + access[name].OwnerURL,
				"KAFKA_BROKERS=" + strings.Join(s.config.KafkaBrokers, ","),
				"PUBLISH_PREFIX=" + s.config.PublishPrefix,
				"HEAR_PREFIX=" + s.config.HearPrefix,
				"TENANTS_FILE=" + s.config.TenantsFile,
			}, services[name], s.config.Environment[""])
			s.add(&Process{
				name: process, path: filepath.Join(s.config.Binaries, name),
				env: s.environment(name, process, env), url: "http://" + listen, ready: "/readyz",
			})
		}
	}

	s.description = suite.Description{
		Version: s.config.Version, Services: map[string]string{}, Simulators: map[string]string{suite.SMTP: address[suite.SMTP]},
		KafkaBrokers: s.config.KafkaBrokers, PublishPrefix: s.config.PublishPrefix,
	}
	for _, name := range suite.ServiceNames() {
		s.description.Services[name] = url(name)
	}
	for _, name := range suite.SimulatorNames() {
		s.description.Simulators[name] = url(name)
	}
	return nil
}

// environment is a process's whole environment: what steers the Go runtime is this process's own, the rest is
// said, so that no variable of the caller's shell gets in by accident.
func (s *Suite) environment(name, process string, own []string) []string {
	var env []string
	for _, inherited := range []string{
		"PATH", "HOME", "TMPDIR", "GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GODEBUG", "GOTRACEBACK", "GORACE", "GOCOVERDIR",
	} {
		if value, ok := os.LookupEnv(inherited); ok {
			env = append(env, inherited+"="+value)
		}
	}
	env = slices.Concat(env, own, s.config.Environment[name])
	if s.config.Each != nil {
		env = append(env, s.config.Each(process)...) // of two that say different things the last one counts
	}
	return env
}

func (s *Suite) add(p *Process) {
	p.logFile = filepath.Join(s.config.LogFolder, p.name+".log")
	s.processes = append(s.processes, p)
	s.byName[p.name] = p
}

// launch starts all at once: the order in which they come up does not matter.
func (s *Suite) launch(ctx context.Context) error {
	for _, p := range s.processes {
		if err := p.Launch(); err != nil {
			return err
		}
	}
	return s.each(func(p *Process) error { return p.AwaitWorking(ctx) })
}

// each runs it for every process at the same time.
func (s *Suite) each(do func(*Process) error) error {
	errs := make([]error, len(s.processes))
	var all sync.WaitGroup
	for i, p := range s.processes {
		all.Go(func() { errs[i] = do(p) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (s *Suite) servePage() error {
	listener, err := net.Listen("tcp", cmp.Or(s.config.Listen, "127.0.0.1:0"))
	if err != nil {
		return err
	}
	s.description.StartedAt = time.Now().UTC()
	s.pageURL = "http://" + listener.Addr().String()
	s.page = &http.Server{
		ReadHeaderTimeout: 5 * time.Second,
		// Made anew for each request: processes end and start again.
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			suite.Handler(s.Description()).ServeHTTP(w, r)
		}),
	}
	go func() { _ = s.page.Serve(listener) }() // until Stop
	return nil
}

// URL is where the suite describes itself.
func (s *Suite) URL() string { return s.pageURL }

// Description says where everything is now. A service of several replicas is named by its first.
func (s *Suite) Description() suite.Description {
	d := s.description
	d.Services, d.Simulators = maps.Clone(d.Services), maps.Clone(d.Simulators)
	d.Processes = nil
	for _, p := range s.processes {
		if pid := p.PID(); pid != 0 {
			d.Processes = append(d.Processes, suite.Process{Name: p.name, PID: pid})
		}
	}
	return d
}

// Process is the one of this name: a service ("orders", its second replica "orders-2") or a simulator. It is nil
// where there is none.
func (s *Suite) Process(name string) *Process { return s.byName[name] }

// Processes are all of the suite.
func (s *Suite) Processes() []*Process { return slices.Clone(s.processes) }

// Stop ends every process, services and simulators at the same time. What is under way between them is left for
// the next start.
func (s *Suite) Stop() error {
	err := s.each((*Process).Stop)
	if s.page != nil {
		err = errors.Join(err, s.page.Close())
	}
	return err
}
