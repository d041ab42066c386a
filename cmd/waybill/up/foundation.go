package up

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"waybill.dev/local/broker"
	localpostgres "waybill.dev/local/postgres"
	"waybill.dev/platform/postgres"
	"waybill.dev/platform/server"

	"waybill.dev/cmd/waybill/suite"
)

// database is what the services' schemas are made in, on a PostgreSQL of ours.
const database = "waybill"

// foundation is what the services stand on.
type foundation struct {
	connections suite.Connections
	access      map[string]postgres.Access
	brokers     []string
	services    map[string]*server.Server
}

// lay starts PostgreSQL and the broker at the same time, where no others are given.
func (s *Suite) lay(ctx context.Context) (foundation, error) {
	f := foundation{brokers: s.config.KafkaBrokers, services: map[string]*server.Server{}}
	if err := reachAny(ctx, s.config.KafkaBrokers); err != nil {
		return f, err
	}
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		admin, err := s.startPostgres(ctx)
		if err != nil {
			return err
		}
		if f.access, err = postgres.Provision(ctx, admin, suite.ServiceNames()...); err != nil {
			return fmt.Errorf("provision the database: %w", err)
		}
		f.connections = suite.Connections{Postgres: admin, Services: map[string]string{}}
		for name, access := range f.access {
			f.connections.Services[name] = access.ServiceURL
		}
		return nil
	})
	if len(s.config.KafkaBrokers) == 0 {
		both.Go(func() (err error) {
			s.broker, err = broker.Start(broker.Config{
				Data: s.kept(brokerFolder), Ephemeral: s.config.Ephemeral, Logger: s.logger.With("part", "broker"),
			})
			if err == nil {
				f.brokers = s.broker.Brokers()
			}
			return err
		})
	}
	err := both.Wait()
	return f, err
}

// reachAny is an error where there are brokers and none of them answers: the services would wait for them.
func reachAny(ctx context.Context, brokers []string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var failures []error
	for _, address := range brokers {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return connection.Close()
		}
		failures = append(failures, err)
	}
	if len(failures) == 0 {
		return nil
	}
	return fmt.Errorf("no Kafka broker can be reached: %w", errors.Join(failures...))
}

// brokerFolder is where in its data folder a suite keeps the broker's data, where it has one of its own.
const brokerFolder = "broker"

// StartBroker starts the broker that a suite keeps in its data folder, for what is done while the suite does not run.
func StartBroker(data string) (*broker.Broker, error) {
	folder := filepath.Join(data, brokerFolder)
	if _, err := os.Stat(folder); err != nil {
		return nil, fmt.Errorf("there is no broker's data in %s: %w", data, err)
	}
	return broker.Start(broker.Config{Data: folder})
}

// kept is the folder of a part's data; empty for a part of an ephemeral suite.
func (s *Suite) kept(part ...string) string {
	if s.config.Ephemeral {
		return ""
	}
	return filepath.Join(append([]string{s.folder}, part...)...)
}

// startPostgres answers the administrator's URL of the suite's database.
func (s *Suite) startPostgres(ctx context.Context) (string, error) {
	if s.config.PostgresURL != "" {
		return s.config.PostgresURL, nil
	}
	var err error
	s.postgres, err = localpostgres.Start(ctx, localpostgres.Config{
		Data: s.kept("postgres"), Ephemeral: s.config.Ephemeral, Logger: s.logger.With("part", "postgres"),
	})
	if err != nil {
		return "", err
	}
	ended := s.postgres.Done()
	s.simulators.start(func(ctx context.Context) {
		select {
		case <-ended:
			s.fail(errors.New("PostgreSQL has ended by itself; start again"))
		case <-ctx.Done():
		}
	})
	return s.postgres.URL(database), makeDatabase(ctx, s.postgres.URL("postgres"))
}

// makeDatabase makes the suite's database where there is none.
func makeDatabase(ctx context.Context, adminURL string) error {
	admin, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	defer admin.Close(context.WithoutCancel(ctx))
	_, err = admin.Exec(ctx, "CREATE DATABASE "+database)
	var refused *pgconn.PgError
	const duplicateDatabase = "42P04"
	if errors.As(err, &refused) && refused.Code == duplicateDatabase {
		return nil
	}
	if err != nil {
		return fmt.Errorf("postgres: create database %s: %w", database, err)
	}
	return nil
}
