package mailbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/sync/errgroup"

	"waybill.dev/simulators/internal/journal"
	"waybill.dev/simulators/internal/web"
)

const (
	maximalMessage    = 1 << 20 // bytes
	maximalRecipients = 100
	readTimeout       = 5 * time.Minute // what RFC 5321 asks a server to wait for the next command
	writeTimeout      = time.Minute
)

// Server is a mailbox. Many can run in one process, each with its own mails.
type Server struct {
	config       Config
	listener     net.Listener
	listenerSMTP net.Listener
	journal      *journal.Journal

	mu    sync.Mutex
	shelf *shelf
}

// New reads the mails and starts to listen; Run answers. The error says that an address is taken, or that the
// mails are in use or damaged.
func New(config Config) (*Server, error) {
	s := &Server{config: config.withDefaults(), shelf: newShelf()}
	var err error
	if s.journal, err = journal.Open(s.config.Data, "mailbox.jsonl", s.shelf.replay); err != nil {
		return nil, fmt.Errorf("mailbox: open the mails: %w", err)
	}
	if s.listener, err = web.Listen(s.config.Listener, s.config.Listen); err != nil {
		return nil, errors.Join(fmt.Errorf("mailbox: %w", err), s.journal.Close())
	}
	if s.listenerSMTP, err = web.Listen(s.config.ListenerSMTP, s.config.ListenSMTP); err != nil {
		return nil, errors.Join(fmt.Errorf("mailbox: %w", err), s.listener.Close(), s.journal.Close())
	}
	return s, nil
}

// Addr returns the address that the server shows mail on, host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL returns Addr as a URL without a path.
func (s *Server) URL() string { return "http://" + s.Addr() }

// SMTPAddr returns the address that the server takes mail on, host:port.
func (s *Server) SMTPAddr() string { return s.listenerSMTP.Addr().String() }

// Run serves until ctx ends, then returns nil; the mails are closed then. Another error means that it could not
// serve, or could no longer write its mails.
func (s *Server) Run(ctx context.Context) error {
	s.config.Logger.InfoContext(ctx, "mailbox is up", "url", s.URL(), "smtp", s.SMTPAddr(), "data", s.config.Data)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return web.Serve(ctx, s.listener, s.routes(), s.config.Logger) })
	group.Go(func() error { return s.takeMail(ctx) })
	group.Go(func() error { return s.journal.Watch(ctx) })
	return errors.Join(group.Wait(), s.journal.Close())
}

// Close lets go of the addresses and the mails of a server that is not to run after New.
func (s *Server) Close() error {
	return errors.Join(s.listener.Close(), s.listenerSMTP.Close(), s.journal.Close())
}

// takeMail serves SMTP until ctx ends.
func (s *Server) takeMail(ctx context.Context) error {
	server := smtp.NewServer(smtp.BackendFunc(func(connection *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, connection: connection}, nil
	}))
	server.Domain = "localhost"
	server.MaxMessageBytes = maximalMessage
	server.MaxRecipients = maximalRecipients
	server.ReadTimeout = readTimeout
	server.WriteTimeout = writeTimeout
	server.EnableSMTPUTF8 = true
	server.ErrorLog = slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelWarn)
	served := make(chan error, 1)
	go func() { served <- server.Serve(s.listenerSMTP) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	// Clients keep their connections open between mails: there is no use in waiting for them to leave. Only the
	// listener may be closed by both.
	_ = server.Close()
	_ = s.listenerSMTP.Close()
	return <-served
}
