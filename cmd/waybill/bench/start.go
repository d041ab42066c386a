package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"waybill.dev/cmd/waybill/processes"
	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/local/kafka"
	"waybill.dev/local/postgres"
)

// Suite is a suite of processes on servers of its own, for one measurement: PostgreSQL that forces its commits to
// disk, Apache Kafka, simulators that do not wait, and the services.
type Suite struct {
	folder   string
	postgres *postgres.Server
	kafka    *kafka.Server
	suite    *processes.Suite
}

// Start starts everything in a new temporary folder.
func Start(ctx context.Context, binaries, version string) (*Suite, error) {
	folder, err := os.MkdirTemp("", "waybill-bench-")
	if err != nil {
		return nil, err
	}
	s := &Suite{folder: folder}
	if err := s.start(ctx, binaries, version); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Suite) start(ctx context.Context, binaries, version string) (err error) {
	server := postgres.Config{Data: filepath.Join(s.folder, "postgres"), Binaries: postgres.Embedded}
	if postgres.HasSystem() {
		server.Binaries = postgres.System
	}
	if s.postgres, err = postgres.Start(ctx, server); err != nil {
		return err
	}
	if s.kafka, err = kafka.Start(ctx, kafka.Config{Data: filepath.Join(s.folder, "kafka")}); err != nil {
		return err
	}
	s.suite, err = processes.Start(ctx, processes.Config{
		Binaries: binaries, Version: version,
		PostgresURL: s.postgres.URL("postgres"), KafkaBrokers: s.kafka.Brokers(),
		LogFolder: filepath.Join(s.folder, "log"), SimulatorData: filepath.Join(s.folder, "simulators"),
	})
	return err
}

// Description is that of the suite, with its servers among the processes.
func (s *Suite) Description() suite.Description {
	d := s.suite.Description()
	d.Processes = append(d.Processes,
		suite.Process{Name: "bench", PID: os.Getpid()},
		suite.Process{Name: "postgres", PID: s.postgres.Pid()}, suite.Process{Name: "kafka", PID: s.kafka.Pid()})
	return d
}

// Stop ends everything and removes the folder.
func (s *Suite) Stop() error {
	var errs []error
	if s.suite != nil {
		errs = append(errs, s.suite.Stop())
	}
	if s.kafka != nil {
		errs = append(errs, s.kafka.Stop())
	}
	if s.postgres != nil {
		errs = append(errs, s.postgres.Stop())
	}
	return errors.Join(append(errs, os.RemoveAll(s.folder))...)
}
