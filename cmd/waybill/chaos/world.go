package chaos

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"waybill.dev/cmd/waybill/processes"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/local/kafka"
	"waybill.dev/local/postgres"
	provision "waybill.dev/platform/postgres"
)

// diskSize is that of the disk that PostgreSQL's data is on, where it can be filled. It is in memory.
const diskSize = 1 << 30

// world is all that runs, and what stands between.
type world struct {
	config Config
	folder string
	began  time.Time
	saying sync.Mutex

	disk *disk
	// noDisk is why there is none, noClock why no clock can be set; nil where there is and it can.
	noDisk, noClock error

	postgres *postgres.Server
	kafka    *kafka.Server
	suite    *processes.Suite
	// struck holds what faults are at: there is one at a time at each.
	struck sync.Map

	// access are the services' logins, past all links.
	access map[string]provision.Access
	// databases are the links to PostgreSQL, one for each process, by its name.
	databases                  map[string]*link
	brokers, provider, carrier *link
}

// replicas are the names of a service's processes.
func replicas(service string) []string { return []string{service, service + "-2"} }

func allReplicas() (names []string) {
	for _, service := range suite.ServiceNames() {
		names = append(names, replicas(service)...)
	}
	return names
}

func serviceOf(replica string) string {
	service, _, _ := strings.Cut(replica, "-")
	return service
}

func (w *world) start(ctx context.Context) (err error) {
	for _, folder := range []string{"disk", "clocks"} {
		if err := os.Mkdir(w.path(folder), 0o711); err != nil {
			return err
		}
	}
	w.noClock = chaosBuilt(w.config.Binaries)
	w.disk, w.noDisk = newDisk(w.path("disk"), diskSize)
	server := postgres.Config{Data: w.path("disk", "postgres"), Binaries: postgres.Embedded}
	if w.noDisk == nil {
		server.Settings = map[string]string{"max_wal_size": "128MB", "min_wal_size": "64MB"}
	}
	if postgres.HasSystem() {
		server.Binaries = postgres.System
	}
	if w.postgres, err = postgres.Start(ctx, server); err != nil {
		return err
	}
	if err := w.connect(); err != nil {
		return err
	}
	if w.kafka, err = kafka.Start(ctx, kafka.Config{Data: w.path("kafka"), AdvertisedPort: w.brokers.port()}); err != nil {
		return err
	}
	w.brokers.lead(w.kafka.Brokers()[0])
	return w.startSuite(ctx)
}

// connect makes all links, and leads to PostgreSQL those that go there.
func (w *world) connect() (err error) {
	w.databases = map[string]*link{}
	for _, replica := range allReplicas() {
		if w.databases[replica], err = newLink(); err != nil {
			return err
		}
		w.databases[replica].lead(fmt.Sprintf("127.0.0.1:%d", w.postgres.Port()))
	}
	for _, l := range []**link{&w.brokers, &w.provider, &w.carrier} {
		if *l, err = newLink(); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) startSuite(ctx context.Context) error {
	admin := w.postgres.URL("postgres")
	var err error
	if w.access, err = provision.Provision(ctx, admin, suite.ServiceNames()...); err != nil {
		return err
	}
	counts := map[string]int{}
	for _, service := range suite.ServiceNames() {
		counts[service] = len(replicas(service))
	}
	w.suite, err = processes.Start(ctx, processes.Config{
		Binaries: w.config.Binaries, Version: w.config.Version,
		PostgresURL: admin, KafkaBrokers: []string{w.brokers.address()},
		LogFolder: w.path("log"), SimulatorData: w.path("simulators"), Replicas: counts,
		PickUpAfter: 500 * time.Millisecond, DeliverAfter: 500 * time.Millisecond,
		Environment: map[string][]string{suite.Shipping: {"POLL_AFTER=5s"}},
		Each: func(process string) []string {
			l, ok := w.databases[process]
			if !ok {
				return nil // a simulator
			}
			a := w.access[serviceOf(process)]
			return []string{
				"DATABASE_URL=" + through(l, a.ServiceURL), "MIGRATIONS_URL=" + through(l, a.OwnerURL),
				"PROVIDER_URL=http://" + w.provider.address(), "CARRIER_URL=http://" + w.carrier.address(),
				"CHAOS_CLOCK_OFFSET=" + w.clock(process),
			}
		},
	})
	if err != nil {
		return err
	}
	w.provider.lead(strings.TrimPrefix(w.suite.Process(suite.Provider).URL(), "http://"))
	w.carrier.lead(strings.TrimPrefix(w.suite.Process(suite.Carrier).URL(), "http://"))
	return nil
}

// through is the URL of the database as it is reached over the link.
func through(l *link, database string) string {
	u, err := url.Parse(database)
	if err != nil {
		panic("the URL of a service's own database cannot be read") // and may not be shown
	}
	u.Host = l.address()
	return u.String()
}

// clock is the file that says how far a process's clock is off.
func (w *world) clock(process string) string { return w.path("clocks", process) }

// chaosBuilt is an error unless the services' clocks can be set.
func chaosBuilt(binaries string) error {
	for _, service := range suite.ServiceNames() {
		info, err := buildinfo.ReadFile(filepath.Join(binaries, service))
		if err != nil {
			return err
		}
		built := false
		for _, s := range info.Settings {
			built = built || s.Key == "-tags" && slices.Contains(strings.Split(s.Value, ","), "chaos")
		}
		if !built {
			return fmt.Errorf("%s is not built with the tag chaos", service)
		}
	}
	return nil
}

// query asks PostgreSQL itself, past all links.
func (w *world) query(ctx context.Context, do func(*pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, w.postgres.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(conn)
}

// raise sees to it that PostgreSQL answers, after it was killed or gave up by itself.
func (w *world) raise(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, raiseTime, fmt.Errorf("PostgreSQL has not come back within %s", raiseTime))
	defer cancel()
	for {
		select {
		case <-w.postgres.Done():
			if err := w.postgres.Restart(ctx); err != nil {
				return err
			}
		default:
		}
		err := w.query(ctx, func(conn *pgx.Conn) error { return conn.Ping(ctx) })
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// mend starts what does not run.
func (w *world) mend(ctx context.Context) error {
	if err := w.raise(ctx); err != nil {
		return err
	}
	for _, p := range w.suite.Processes() {
		if err := p.Launch(); err != nil {
			return err
		}
	}
	return nil
}

// awaitWorking waits until every process says that it works.
func (w *world) awaitWorking(ctx context.Context) error {
	for _, p := range w.suite.Processes() {
		if err := p.AwaitWorking(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) notRun() map[string]string {
	reasons := map[string]string{}
	if w.noDisk != nil {
		reasons[fullDisk] = w.noDisk.Error()
	}
	if w.noClock != nil {
		reasons[clockForward], reasons[clockBack] = w.noClock.Error(), w.noClock.Error()
	}
	return reasons
}

// stop ends everything. A disk goes with it, whose data is kept elsewhere where it is wanted.
func (w *world) stop(keep bool) error {
	var errs []error
	if w.suite != nil {
		errs = append(errs, w.suite.Stop())
	}
	links := []*link{w.brokers, w.provider, w.carrier}
	for _, l := range w.databases {
		links = append(links, l)
	}
	for _, l := range links {
		if l != nil {
			l.close()
		}
	}
	if w.kafka != nil {
		errs = append(errs, w.kafka.Stop())
	}
	if w.postgres != nil {
		errs = append(errs, w.postgres.Stop())
	}
	if w.disk != nil {
		if keep {
			errs = append(errs, os.CopyFS(w.path("postgres"), os.DirFS(w.path("disk", "postgres"))))
		}
		errs = append(errs, w.disk.leave())
	}
	return errors.Join(errs...)
}
