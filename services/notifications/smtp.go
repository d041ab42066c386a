package notifications

import (
	"context"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strconv"

	gomail "github.com/wneessen/go-mail"

	"waybill.dev/platform/es"
	"waybill.dev/platform/outside"
	"waybill.dev/services/notifications/mail"
)

// Headers that name what a mail is about, for whoever keeps or searches mail.
const (
	headerTenant gomail.Header = "X-Waybill-Tenant"
	headerOrder  gomail.Header = "X-Waybill-Order"
)

// mailServer hands mail over by SMTP.
type mailServer struct {
	host   string
	port   int
	from   string
	system *outside.System[int]
}

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
	return &mailServer{host: host, port: number, from: from, system: outside.NewSystem[int]()}, nil
}

// send hands one mail over. It returns 0 when the server has taken it and the SMTP reply code (RFC 5321, section
// 4.2) when it refused it for good. An error is outside.ErrUnknown: a copy may have been taken.
func (s *mailServer) send(ctx context.Context, id es.StreamID, mails mail.Mails, m mail.Mail) (int, error) {
	message, err := s.message(id, mails, m)
	if err != nil {
		return 0, err
	}
	return s.system.Ask(ctx, func() (int, error) {
		client, err := gomail.NewClient(s.host, gomail.WithPort(s.port), gomail.WithTimeout(outside.CallTimeout),
			gomail.WithTLSPolicy(gomail.TLSOpportunistic))
		if err != nil {
			return 0, err
		}
		err = client.DialAndSendWithContext(ctx, message)
		var refused *gomail.SendError
		switch {
		case err == nil:
			return 0, nil
		case errors.As(err, &refused) && refused.ErrorCode() >= 500:
			return refused.ErrorCode(), nil
		case errors.As(err, &refused):
			// The error's own text names the recipient.
			return 0, fmt.Errorf("%w: SMTP reply %d", outside.ErrUnknown, refused.ErrorCode())
		}
		return 0, fmt.Errorf("%w: the mail server cannot be reached", outside.ErrUnknown)
	})
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
