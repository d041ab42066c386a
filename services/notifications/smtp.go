package notifications

import (
	"context"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	gomail "github.com/wneessen/go-mail"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/es"
	"waybill.dev/platform/outside"
	"waybill.dev/platform/server"
	"waybill.dev/services/notifications/mail"
)

// Headers that name what a mail is about, for whoever keeps or searches mail.
const (
	headerTenant gomail.Header = "X-Waybill-Tenant"
	headerOrder  gomail.Header = "X-Waybill-Order"
)

// mailServer hands mail over by SMTP.
type mailServer struct {
	// client sends over connections that are there; options and host are for new ones.
	client  *gomail.Client
	options []gomail.Option
	host    string
	dialer  func(ctx context.Context, network, address string) (net.Conn, error)
	from    string
	system  *outside.System
	// idle are connections that have sent a mail and wait for the next.
	idle chan connection
	// stopped says that none is kept any longer.
	stopped atomic.Bool
}

const (
	// idleConnections are kept at most, each for idleFor: mail servers close idle ones after minutes (RFC 5321, section
	// 4.5.3.2.7).
	idleConnections = 64
	idleFor         = 20 * time.Second
)

func newMailServer(address, from string) (*mailServer, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("SMTP_ADDRESS: %q is not host:port", address)
	}
	number, err := strconv.Atoi(port)
	if err != nil || number < 1 || number > 65535 {
		return nil, fmt.Errorf("SMTP_ADDRESS: %q is no port", port)
	}
	if _, err := netmail.ParseAddress(from); err != nil {
		return nil, errors.New("MAIL_FROM: not a mail address")
	}
	options := []gomail.Option{
		gomail.WithPort(number), gomail.WithTimeout(outside.CallTimeout), gomail.WithTLSPolicy(gomail.TLSOpportunistic), gomail.WithoutNoop(),
	}
	client, err := gomail.NewClient(host, options...)
	if err != nil {
		return nil, fmt.Errorf("SMTP_ADDRESS: %w", err)
	}
	return &mailServer{
		client: client, options: slices.Clip(options), host: host, dialer: (&net.Dialer{}).DialContext, from: from, system: outside.NewSystem("mail-server"),
		idle: make(chan connection, idleConnections),
	}, nil
}

// send hands one mail over. It returns 0 when the server has taken it and the SMTP reply code (RFC 5321, section
// 4.2) when it refused it for good. An error is outside.ErrUnknown where a copy may have been taken or the server cannot
// take any now, and outside.ErrRejected where it does not take mail from us.
func (s *mailServer) send(ctx context.Context, id es.StreamID, mails mail.Mails, m mail.Mail) (int, error) {
	message, err := s.message(id, mails, m)
	if err != nil {
		return 0, err
	}
	return outside.Ask(ctx, s.system, func() (int, error) {
		// The errors' own texts name the recipient.
		switch stage, code := reply(s.deliver(ctx, message)); {
		case stage == stageDone:
			return 0, nil
		case code >= 500 && stage.aboutMail() && !aboutSession(code):
			return code, nil
		case code >= 500:
			return 0, fmt.Errorf("%w: SMTP reply %d to %s", outside.ErrRejected, code, stage)
		case code > 0:
			return 0, fmt.Errorf("%w: SMTP reply %d to %s", outside.ErrUnknown, code, stage)
		default:
			return 0, fmt.Errorf("%w: the mail server is silent at %s", outside.ErrUnknown, stage)
		}
	})
}

// stage is how far a mail has come with the mail server.
type stage string

const (
	stageConnect stage = "the connection"
	stageSender  stage = "MAIL FROM"
	stageRcpt    stage = "RCPT TO"
	stageData    stage = "DATA"
	stageEnd     stage = "the end of DATA"
	stageDone    stage = ""
)

// aboutMail says that what is refused there is this mail. What comes before would be refused to any.
func (s stage) aboutMail() bool { return s == stageRcpt || s == stageEnd }

// aboutSession says that the reply is about us, whatever it answers (RFC 5321, section 4.2.1): it does not understand
// our commands (50x), takes no mail on this connection (52x), or wants us to log in (53x).
func aboutSession(code int) bool {
	kind := code / 10 % 10
	return kind == 0 || kind == 2 || kind == 3
}

// reply is where the delivery came to its end, and the code that it was answered with; 0 for silence.
func reply(err error) (stage, int) {
	var failed *gomail.SendError
	var answered *textproto.Error
	switch {
	case err == nil:
		return stageDone, 0
	case errors.As(err, &failed):
		switch failed.Reason {
		case gomail.ErrSMTPMailFrom:
			return stageSender, failed.ErrorCode()
		case gomail.ErrSMTPRcptTo:
			return stageRcpt, failed.ErrorCode()
		case gomail.ErrSMTPDataClose:
			return stageEnd, failed.ErrorCode()
		default:
			return stageData, failed.ErrorCode()
		}
	case errors.As(err, &answered):
		return stageConnect, answered.Code
	}
	return stageConnect, 0
}

// deliver hands a mail over on a connection that is there, or on a new one. Where the one that is there was closed
// while it was idle, a new one is next: the others will not be better. It takes no longer than a call may.
func (s *mailServer) deliver(ctx context.Context, message *gomail.Msg) error {
	until := clock.Monotonic().Add(outside.CallTimeout)
	if end, ok := ctx.Deadline(); ok && end.Before(until) {
		until = end
	}
	for anew := false; ; anew = true {
		c, fresh, err := s.connect(ctx, anew, until)
		if err != nil {
			return err
		}
		err = s.client.SendWithSMTPClient(c.Client, message)
		if err == nil {
			s.keep(c)
			return nil
		}
		if message.IsDelivered() {
			_ = c.Close() // it was taken, and only the reset behind it failed
			return nil
		}
		_ = c.Close() // what it has seen is not worth a farewell
		var failed *gomail.SendError
		if !fresh && ctx.Err() == nil && errors.As(err, &failed) && failed.Reason == gomail.ErrSMTPMailFrom && failed.ErrorCode() == 0 {
			continue // nothing has been sent
		}
		return err
	}
}

// closeAtEnd takes leave of the mail server when the service stops.
func (s *mailServer) closeAtEnd(ctx context.Context, _ *server.App) error {
	<-ctx.Done()
	s.stopped.Store(true)
	s.closeIdle()
	return nil
}

func (s *mailServer) message(id es.StreamID, mails mail.Mails, m mail.Mail) (*gomail.Msg, error) {
	letter := mail.Compose(mails, m, id.ID)
	message := gomail.NewMsg()
	if err := message.From(s.from); err != nil {
		return nil, errors.New("the sender is no mail address")
	}
	if err := message.AddToFormat(mails.Name, mails.Email); err != nil {
		return nil, errors.New("the recipient is no mail address")
	}
	message.SetMessageIDWithValue(m.MessageID)
	message.SetDate()
	message.SetGenHeader(headerTenant, id.Tenant)
	message.SetGenHeader(headerOrder, id.ID)
	message.Subject(letter.Subject)
	message.SetBodyString(gomail.TypeTextPlain, letter.Text)
	return message, nil
}
