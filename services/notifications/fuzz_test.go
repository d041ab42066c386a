package notifications

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"waybill.dev/services/notifications/mail"
)

// Whatever a mail server says, all at once, before it hangs up: the mail is taken only where every step was answered by a
// yes, and refused for good only by a 5xx.
func FuzzReplies(f *testing.F) {
	const hello = "220 here\r\n250-here\r\n250 8BITMIME\r\n"
	for _, seed := range []string{
		hello + "250 ok\r\n250 ok\r\n354 go on\r\n250 taken\r\n250 reset\r\n", hello + "250 ok\r\n550 no such mailbox\r\n250 reset\r\n",
		hello + "250 ok\r\n250 ok\r\n354 go on\r\n554 spam\r\n", hello + "421 later\r\n", "554 no\r\n", "", "220", "220-\r\n220-", "999999999999 x\r\n", "2x0 here\r\n",
		"220 here\r\n502 no EHLO\r\n250 HELO\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n", "220 here\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n\x16\x03\x01",
		hello + "250 ok\r\n250 ok\r\n250 what?\r\n", hello + "-50 ok\r\n", "220 \xff\x00\r\n250 \x1b[2J\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		s := serverAt(t, "127.0.0.1:25")
		var heard strings.Builder
		over := make(chan struct{})
		dialled := false
		s.dialer = func(context.Context, string, string) (net.Conn, error) {
			if dialled {
				return nil, io.ErrClosedPipe
			}
			dialled = true
			ours, theirs := net.Pipe()
			listened := make(chan struct{})
			go func() {
				defer close(listened)
				_, _ = io.Copy(&heard, theirs)
			}()
			go func() {
				defer close(over)
				_, _ = theirs.Write(said)
				_ = theirs.Close()
				<-listened
			}()
			return ours, nil
		}
		message, err := s.message(mail.Streams.Stream("acme", "o"), mail.Mails{Name: "Ada", Email: "ada@example.org"}, mail.Mail{MessageID: "m@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		stage, code := reply(s.deliver(t.Context(), message))
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %s", took)
		}
		s.closeIdle()
		<-over
		if stage == stageDone && (code != 0 || strings.Count(string(said), "\n") < 4 || !strings.Contains(string(said), "354")) {
			t.Errorf("%q took the mail, with %d; it heard %q", said, code, heard.String())
		}
		if code >= 500 && stage.aboutMail() && !strings.Contains(string(said), "5") {
			t.Errorf("%q refused the mail at %s with %d", said, stage, code)
		}
	})
}
