// Package broker runs an embedded broker that speaks Kafka's protocol, for one machine: franz-go's kfake, one node on
// loopback, its topics, records and consumer groups kept in a data folder. What a producer was told is stored (with
// acks=all) outlives kill -9 and a power cut.
//
// It serves the sizes that a single machine sees, not those of Apache Kafka: all requests pass one goroutine, each
// batch is forced to disk by itself, and a start after a crash reads all records through.
package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"

	"waybill.dev/local/freeport"
	"waybill.dev/local/internal/datafolder"
)

// Config says where and how a broker runs.
type Config struct {
	// Data is the folder that holds the broker's data. It is created where it is missing. It may be empty for an
	// ephemeral broker only, which then makes one of its own.
	Data string
	// Port is the TCP port on 127.0.0.1; 0 takes a free one.
	Port int
	// Ephemeral is for data that nobody misses: nothing is forced to disk, and Stop removes the data folder. It is on
	// disk all the same, since kept in memory 1,000 messages would take a megabyte.
	Ephemeral bool
	// Logger gets what the broker logs; nil drops it.
	Logger *slog.Logger
}

// Broker is a broker, from Start to Stop.
type Broker struct {
	cluster *kfake.Cluster
	folder  *datafolder.Folder
	address string

	stop sync.Once
	err  error
}

// clusterName is the folder of kfake's own files within the data folder.
const clusterName = "cluster"

// Start starts a broker; it serves when Start returns. Each failure is one line: a taken port, a data folder that
// another process uses, or that is broken.
func Start(config Config) (*Broker, error) {
	broker, err := start(config)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	return broker, nil
}

func start(config Config) (*Broker, error) {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	// Said before anything is opened.
	if _, err := freeport.Pick(config.Port); err != nil {
		return nil, err
	}
	folder, err := datafolder.Open(datafolder.Config{
		Path: config.Data, Ephemeral: config.Ephemeral, Server: "broker", Entries: []string{clusterName},
	})
	if err != nil {
		return nil, err
	}
	cluster, port, err := listen(config, filepath.Join(folder.Path, clusterName))
	if err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return &Broker{cluster: cluster, folder: folder, address: freeport.Address(port)}, nil
}

// portTries bounds how often another free port is tried when somebody else takes the one found free.
const portTries = 5

func listen(config Config, path string) (cluster *kfake.Cluster, port int, err error) {
	for range portTries {
		if port, err = freeport.Pick(config.Port); err != nil {
			return nil, 0, err
		}
		cluster, err = open(config, path, port)
		if config.Port != 0 || !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return cluster, port, err
}

func open(config Config, path string, port int) (*kfake.Cluster, error) {
	if err := checkWhole(path); err != nil {
		return nil, err
	}
	options := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.Ports(port),
		kfake.DataDir(path),
		kfake.WithLogger(logger{config.Logger}),
		kfake.BrokerConfigs(map[string]string{
			// Kafka's default forgets the place of a group that was away for a week; a laptop may be.
			"offsets.retention.minutes": "2147483647",
			"log.retention.ms":          "-1",
		}),
	}
	if !config.Ephemeral {
		options = append(options, kfake.SyncWrites())
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return cluster, nil
}

// checkWhole refuses a folder whose first file is missing: kfake would take it for a new one, and write over the topics.
func checkWhole(path string) error {
	_, err := os.Stat(filepath.Join(path, "meta.json"))
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(path, "partitions"))
	if err == nil && len(entries) > 0 {
		return fmt.Errorf("data folder %s is broken: it holds records and no meta.json; move it away to begin anew", path)
	}
	return nil
}

// Brokers are the addresses to connect to, as clients take them.
func (b *Broker) Brokers() []string { return []string{b.address} }

// Stop ends the broker, and removes an ephemeral one's data. Stopping twice is no error.
func (b *Broker) Stop() error {
	b.stop.Do(func() {
		b.cluster.Close()
		if err := b.folder.Close(); err != nil {
			b.err = fmt.Errorf("broker: stop: %w", err)
		}
	})
	return b.err
}
