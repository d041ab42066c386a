package servicetest

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"waybill.dev/contracts"
	"waybill.dev/local/broker"
	"waybill.dev/platform/clock"
	"waybill.dev/platform/messaging"
	"waybill.dev/platform/pgtest"
	"waybill.dev/platform/postgres"
	"waybill.dev/platform/server"
)

// patience is how long something that must come is waited for.
const patience = 60 * time.Second

// Service is a running service.
type Service struct {
	// Name is the service's.
	Name string
	// URL is where it listens.
	URL string
	// Access are the logins to its database.
	Access postgres.Access
	// Log is all that the service has logged.
	Log *Log

	kafka *kgo.Client
	mu    sync.Mutex
	said  map[subject][]contracts.Message
	seen  map[string]bool // ids: the relay may send a message twice
}

type subject struct{ tenant, id string }

// Brokers are those of a broker of the test's own, which has all topics.
func Brokers(t testing.TB) []string {
	t.Helper()
	b, err := broker.Start(broker.Config{Ephemeral: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Stop() })
	if err := messaging.CreateTopics(t.Context(), b.Brokers(), "", contracts.Topics()); err != nil {
		t.Fatal(err)
	}
	return b.Brokers()
}

// Start runs the service that build makes of the test's configuration. own are the service's migrations. tenants, if
// any, is the text of a tenants file.
func Start(t testing.TB, name string, own fs.FS, build func(server.Config) (server.Service, error), tenants ...string) *Service {
	t.Helper()
	brokers := Brokers(t)
	s := &Service{
		Name: name, Access: pgtest.Service(t, name, own), Log: &Log{},
		said: map[subject][]contracts.Message{}, seen: map[string]bool{},
	}
	config := server.Defaults(0)
	config.DatabaseURL = s.Access.ServiceURL
	config.KafkaBrokers = brokers
	if len(tenants) > 0 {
		config.TenantsFile = filepath.Join(t.TempDir(), "tenants.yaml")
		if err := os.WriteFile(config.TenantsFile, []byte(tenants[0]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	service, err := build(config)
	if err != nil {
		t.Fatal(err)
	}
	running, err := server.New(t.Context(), service, config, server.Options{Logger: server.NewLogger(s.Log, slog.LevelDebug)})
	if err != nil {
		t.Fatal(err)
	}
	s.URL = running.URL()
	Run(t, running.Run)

	var topics []string
	for _, e := range contracts.Catalogue() {
		topics = append(topics, e.Type().Topic())
	}
	if s.kafka, err = kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())); err != nil {
		t.Fatal(err)
	}
	Run(t, s.listen)
	ready := Response{}
	Eventually(t, func() bool {
		ready = s.Call(t, "", http.MethodGet, "/readyz", nil)
		return ready.Status == http.StatusOK
	}, func() string { return "not ready: " + string(ready.Body) })
	return s
}

// Run runs something until the test ends, and expects no error of it.
func Run(t testing.TB, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// listen keeps what the service says.
func (s *Service) listen(ctx context.Context) error {
	defer s.kafka.Close()
	for {
		fetched := s.kafka.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		var failed error
		fetched.EachRecord(func(r *kgo.Record) {
			headers := map[string]string{}
			for _, h := range r.Headers {
				headers[h.Key] = string(h.Value)
			}
			m, err := contracts.Decode(headers, r.Value)
			if err != nil {
				failed = err
				return
			}
			if m.Source == "/waybill/"+s.Name {
				s.keep(m)
			}
		})
		if failed != nil {
			return failed
		}
	}
}

func (s *Service) keep(m contracts.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.seen[m.ID] {
		s.seen[m.ID] = true
		of := subject{m.Tenant, m.Subject}
		s.said[of] = append(s.said[of], m)
	}
}

// Eventually waits until a condition holds, and fails with what otherwise says when it does not come.
func Eventually(t testing.TB, holds func() bool, otherwise func() string) {
	t.Helper()
	for deadline := clock.Monotonic().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if clock.Monotonic().After(deadline) {
			t.Fatal(otherwise())
		}
	}
}

// Log collects lines.
type Log struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}
