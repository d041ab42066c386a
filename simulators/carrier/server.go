package carrier

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"golang.org/x/sync/errgroup"

	"waybill.dev/simulators/internal/journal"
	"waybill.dev/simulators/internal/web"
)

// Server is a carrier. Many can run in one process, each with its own books.
type Server struct {
	config      Config
	listener    net.Listener
	journal     *journal.Journal
	signer      *standardwebhooks.Webhook // nil when nobody is told
	teller      *teller
	bookingsDue alarm

	mu       sync.Mutex
	register *register
	calendar agenda[step] // what happens to parcels by itself
}

// New reads the books and starts to listen; Run answers and carries. The error says what is wrong with the
// config, that the address is taken, or that the books are in use or damaged.
func New(config Config) (*Server, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{config: config, register: newRegister(), bookingsDue: newAlarm()}
	if s.signer, err = config.signer(); err != nil {
		return nil, err
	}
	s.teller = newTeller(config, s.signer, s.told)
	if s.journal, err = journal.Open(config.Data, "carrier.jsonl", s.register.replay); err != nil {
		return nil, fmt.Errorf("carrier: open the books: %w", err)
	}
	if s.listener, err = web.Listen(config.Listener, config.Listen); err != nil {
		return nil, errors.Join(fmt.Errorf("carrier: %w", err), s.journal.Close())
	}
	s.resume()
	return s, nil
}

// resume takes up what an earlier run has left: parcels under way, and webhooks that nobody took.
func (s *Server) resume() {
	for _, subject := range s.register.byID {
		s.schedule(subject)
	}
	if s.signer == nil {
		return
	}
	for _, webhook := range s.register.untold {
		s.teller.tell(webhook)
	}
}

// Addr returns the address that the server listens on, host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL returns the address as a URL without a path.
func (s *Server) URL() string { return "http://" + s.Addr() }

// Run serves until ctx ends, then returns nil; the books are closed then. Another error means that it could
// not serve, or could no longer write its books.
func (s *Server) Run(ctx context.Context) error {
	s.config.Logger.InfoContext(ctx, "carrier is up", "url", s.URL(), "data", s.config.Data)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return web.Serve(ctx, s.listener, s.routes(), s.config.Logger) })
	group.Go(func() error { return s.round(ctx) })
	group.Go(func() error { return s.teller.run(ctx) })
	group.Go(func() error { return s.journal.Watch(ctx) })
	return errors.Join(group.Wait(), s.journal.Close())
}

// Close lets go of the address and the books of a server that is not to run after New.
func (s *Server) Close() error {
	return errors.Join(s.listener.Close(), s.journal.Close())
}

// note writes a record to the journal and to the register. The caller holds the lock.
func (s *Server) note(entry record) error {
	if _, err := s.journal.Append(entry); err != nil {
		return err
	}
	s.register.apply(entry)
	return nil
}

// told notes that a webhook was taken. Nobody waits for the record: were it lost, the webhook would go out
// once more, under the same id.
func (s *Server) told(webhook *notice) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.note(record{Kind: webhookTaken, At: moment(), Booking: webhook.booking.id, Status: webhook.status})
}
