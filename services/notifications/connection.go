package notifications

import (
	"context"
	"errors"
	"net"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/outside"
)

// connection is one to the mail server.
type connection struct {
	*smtp.Client
	bounds *bounded
	// since is when it has sent its last mail.
	since time.Time
}

// maximalReplies is far more than a mail server says to one mail, its certificates included, in bytes.
const maximalReplies = 256 << 10

// bounded is a connection that ends with the call it is used for, and takes no more than so much within it. The SMTP
// library bounds each part by itself, and no line.
type bounded struct {
	net.Conn
	until time.Time
	left  int
}

// begin is the beginning of a call that may last until then.
func (b *bounded) begin(until time.Time) error {
	b.until, b.left = until, maximalReplies
	return b.SetDeadline(until)
}

// SetDeadline sets the deadline, and never one behind the call's.
func (b *bounded) SetDeadline(t time.Time) error {
	if t.IsZero() || t.After(b.until) {
		t = b.until
	}
	return b.Conn.SetDeadline(t)
}

var errTooMuch = errors.New("the mail server says too much")

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// dial makes a connection, for a call that may last until then. The library leaves one open that fails after it was made.
func (s *mailServer) dial(ctx context.Context, until time.Time) (connection, error) {
	var made *bounded
	client, err := gomail.NewClient(s.host, append(s.options, gomail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithDeadline(ctx, until)
		defer cancel()
		conn, err := s.dialer(ctx, network, address)
		if err != nil {
			return nil, err
		}
		made = &bounded{Conn: conn}
		return made, made.begin(until)
	}))...)
	if err != nil {
		return connection{}, err
	}
	greeted, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		if made != nil {
			_ = made.Close()
		}
		return connection{}, err
	}
	return connection{Client: greeted, bounds: made}, nil
}

// connect is a connection that is there, or a new one.
func (s *mailServer) connect(ctx context.Context, anew bool, until time.Time) (c connection, fresh bool, err error) {
	for !anew {
		select {
		case c := <-s.idle:
			if time.Since(c.since) < idleFor && c.bounds.begin(until) == nil {
				return c, false, nil
			}
			_ = c.Close()
		default:
			anew = true
		}
	}
	c, err = s.dial(ctx, until)
	return c, true, err
}

// keep keeps a connection for the next mail.
func (s *mailServer) keep(c connection) {
	c.since = clock.Monotonic()
	select {
	case s.idle <- c:
	default:
		s.leave(c)
	}
	if s.stopped.Load() {
		s.closeIdle()
	}
}

// farewell is how long the mail server has to say goodbye.
const farewell = time.Second

// leave takes leave of the mail server.
func (s *mailServer) leave(c connection) {
	_ = c.bounds.begin(clock.Monotonic().Add(min(farewell, outside.CallTimeout)))
	_ = s.client.CloseWithSMTPClient(c.Client)
}

func (s *mailServer) closeIdle() {
	for {
		select {
		case c := <-s.idle:
			s.leave(c)
		default:
			return
		}
	}
}
