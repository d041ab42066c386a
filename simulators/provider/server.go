package provider

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"golang.org/x/sync/errgroup"

	"waybill.dev/simulators/internal/journal"
	"waybill.dev/simulators/internal/web"
)

// Server is a payment provider. Many can run in one process, each with its own books.
type Server struct {
	config   Config
	listener net.Listener
	journal  *journal.Journal

	mu     sync.Mutex
	ledger *ledger
}

// New reads the books and starts to listen; Run answers. The error says what is wrong with the config, that
// the address is taken, or that the books are in use or damaged.
func New(config Config) (*Server, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{config: config, ledger: newLedger()}
	if s.journal, err = journal.Open(config.Data, "provider.jsonl", s.ledger.replay); err != nil {
		return nil, fmt.Errorf("provider: open the books: %w", err)
	}
	if s.listener, err = web.Listen(config.Listener, config.Listen); err != nil {
		return nil, errors.Join(fmt.Errorf("provider: %w", err), s.journal.Close())
	}
	return s, nil
}

// Addr returns the address that the server listens on, host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL returns the address as a URL without a path.
func (s *Server) URL() string { return "http://" + s.Addr() }

// Run serves until ctx ends, then returns nil; the books are closed then. Another error means that it could
// not serve, or could no longer write its books.
func (s *Server) Run(ctx context.Context) error {
	s.config.Logger.InfoContext(ctx, "payment provider is up", "url", s.URL(), "data", s.config.Data)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return web.Serve(ctx, s.listener, s.routes(), s.config.Logger) })
	group.Go(func() error { return s.journal.Watch(ctx) })
	return errors.Join(group.Wait(), s.journal.Close())
}

// Close lets go of the address and the books of a server that is not to run after New.
func (s *Server) Close() error {
	return errors.Join(s.listener.Close(), s.journal.Close())
}
