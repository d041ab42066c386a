package saga

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/cmd/waybill/client"
	"waybill.dev/cmd/waybill/processes"
	"waybill.dev/cmd/waybill/suite"
)

const (
	// startTime is how long a suite may take to be up.
	startTime = 3 * time.Minute
	// patience is how long something that must come is waited for.
	patience = 2 * time.Minute
)

// testSuite is a running suite, with what looks behind it.
type testSuite struct {
	*processes.Suite
	config processes.Config
	// shop speaks to the suite, for the default tenant.
	shop *client.Client
	// database reads all schemas.
	database *pgxpool.Pool
	// kafka reads topics, admin asks about them.
	kafka *kgo.Client
	admin *kadm.Client
	// pump brings what is said to where it is heard; nil where the services do so themselves.
	pump *pump
}

// startSuite starts a suite with what the configuration leaves out, as soon as there is room for it, and stops it when the
// test ends. tenants is the text of the tenants file. deliver says when what is said reaches those who hear it, where the
// two prefixes differ.
func startSuite(t *testing.T, g ground, tenants string, config processes.Config, deliver delivery) *testSuite {
	t.Helper()
	g.places <- struct{}{}
	t.Cleanup(func() { <-g.places })
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	folder := t.TempDir()
	config.Binaries = g.binaries
	config.PostgresURL = database(t)
	if config.KafkaBrokers == nil {
		config.KafkaBrokers = g.brokers
	}
	config.LogFolder = filepath.Join(folder, "logs")
	config.SimulatorData = filepath.Join(folder, "books")
	config.PickUpAfter, config.DeliverAfter = 200*time.Millisecond, 200*time.Millisecond
	config.TenantsFile = filepath.Join(folder, "tenants.yaml")
	if err := os.WriteFile(config.TenantsFile, []byte(tenants), 0o600); err != nil {
		t.Fatal(err)
	}
	if config.Environment == nil {
		config.Environment = map[string][]string{}
	}
	// Several suites share one PostgreSQL.
	config.Environment[""] = append(config.Environment[""], "DATABASE_CONNECTIONS=6", "LOG_LEVEL=DEBUG", "JOB_WORKERS=20")
	config.Environment[suite.Shipping] = append(config.Environment[suite.Shipping], "POLL_AFTER=2s")
	for _, simulator := range suite.SimulatorNames() {
		config.Environment[simulator] = append(config.Environment[simulator], "SIMULATOR_LOG_LEVEL=debug")
	}

	s := &testSuite{config: config}
	var err error
	if s.kafka, err = kgo.NewClient(kgo.SeedBrokers(config.KafkaBrokers...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kafka.Close)
	s.admin = kadm.NewClient(s.kafka)
	if s.database, err = pgxpool.New(ctx, config.PostgresURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.database.Close)
	if config.PublishPrefix != config.HearPrefix {
		for _, service := range suite.ServiceNames() {
			config.Environment[service] = append(config.Environment[service], "HEAR_PREFIX="+hearPrefix(config, service))
		}
		s.pump = startPump(t, config, deliver)
	}
	if s.Suite, err = processes.Start(ctx, config); err != nil {
		showLogs(t, config.LogFolder)
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		checkLogs(t, config.LogFolder)
		if t.Failed() {
			showLogs(t, config.LogFolder)
		}
	})
	s.shop = client.New(s.Description())
	t.Cleanup(s.shop.Close)
	return s
}

// await waits until the condition holds, and fails the test where it does not come.
func await(t *testing.T, condition func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("patience has ended"))
	defer cancel()
	if err := client.Await(ctx, condition); err != nil {
		t.Fatal(err)
	}
}
