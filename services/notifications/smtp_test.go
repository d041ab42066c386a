package notifications

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"waybill.dev/platform/outside"
	"waybill.dev/platform/outside/outsidetest"
	"waybill.dev/services/notifications/mail"
)

// listen is a mail server that takes every mail and tells of each farewell. Some of its replies are its own, by the
// command that they answer: "" is the greeting and "." the end of a mail.
func listen(t *testing.T, replies map[string]string) (address string, farewells <-chan struct{}) {
	t.Helper()
	said := make(chan struct{}, 8)
	return outsidetest.Serve(t, func(c net.Conn) { converse(c, replies, said) }), said
}

func converse(c net.Conn, replies map[string]string, farewells chan<- struct{}) {
	lines, inMail := bufio.NewScanner(c), false
	say := func(command, usual string) {
		fmt.Fprintf(c, "%s\r\n", cmp.Or(replies[command], usual))
	}
	say("", "220 here")
	for lines.Scan() {
		command, _, _ := strings.Cut(lines.Text(), ":")
		if strings.HasPrefix(command, "EHLO ") || strings.HasPrefix(command, "HELO ") {
			command = "HELO"
		}
		switch {
		case inMail && command != ".":
		case command == "DATA":
			inMail = replies[command] == ""
			say(command, "354 go on")
		case command == "QUIT":
			say(command, "221 bye")
			farewells <- struct{}{}
			return
		default:
			inMail = false
			say(command, "250 done")
		}
	}
}

// Only what is said to the recipient or to the mail itself refuses this mail for good.
func TestWhatAReplyMeans(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		command, reply string
		code           int
		err            error
	}{
		{"RCPT TO", "550 no such mailbox", 550, nil},
		{"RCPT TO", "541 not to them", 541, nil},
		{"RCPT TO", "554 not to them", 554, nil},
		{".", "554 spam", 554, nil},
		{".", "552 too large", 552, nil},
		{"", "554 no service here", 0, outside.ErrRejected},
		{"HELO", "550 who?", 0, outside.ErrRejected},
		{"MAIL FROM", "550 not from you", 0, outside.ErrRejected},
		{"MAIL FROM", "530 log in", 0, outside.ErrRejected},
		{"RCPT TO", "503 say hello first", 0, outside.ErrRejected},
		{"RCPT TO", "530 log in", 0, outside.ErrRejected},
		{"DATA", "554 no", 0, outside.ErrRejected},
		{".", "521 no mail here", 0, outside.ErrRejected},
		{"", "421 later", 0, outside.ErrUnknown},
		{"MAIL FROM", "421 later", 0, outside.ErrUnknown},
		{"RCPT TO", "450 later", 0, outside.ErrUnknown},
		{"DATA", "451 later", 0, outside.ErrUnknown},
		{".", "452 later", 0, outside.ErrUnknown},
	} {
		t.Run(c.command+" "+c.reply, func(t *testing.T) {
			t.Parallel()
			address, _ := listen(t, map[string]string{c.command: c.reply})
			s := serverAt(t, address)
			code, err := send(t, s)
			if code != c.code || !errors.Is(err, c.err) {
				t.Fatalf("%d, %v", code, err)
			}
			if err != nil && (!strings.Contains(err.Error(), c.reply[:3]) || strings.Contains(err.Error(), "ada@")) {
				t.Errorf("it is told as %q", err)
			}
		})
	}
}

func serverAt(t *testing.T, address string) *mailServer {
	t.Helper()
	s, err := newMailServer(address, "Shop <shop@example.org>")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func send(t *testing.T, s *mailServer) (int, error) {
	t.Helper()
	return s.send(t.Context(), mail.Streams.Stream("acme", "o"), mail.Mails{Name: "Ada", Email: "ada@example.org"},
		mail.Mail{Kind: mail.OrderReceived, MessageID: "m@example.org"})
}

// A connection waits for the next mail until the service stops, and none that is given back later is kept.
func TestConnectionsAreClosedAtTheEnd(t *testing.T) {
	t.Parallel()
	address, farewells := listen(t, nil)
	s := serverAt(t, address)
	taken := func() {
		t.Helper()
		if code, err := send(t, s); code != 0 || err != nil {
			t.Fatalf("%d, %v", code, err)
		}
	}
	farewell := func() {
		t.Helper()
		select {
		case <-farewells:
		case <-time.After(10 * time.Second):
			t.Fatal("no farewell")
		}
	}
	taken()
	if len(s.idle) != 1 {
		t.Fatalf("%d connections are kept", len(s.idle))
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := s.closeAtEnd(ctx, nil); err != nil {
		t.Fatal(err)
	}
	farewell()
	taken()
	farewell()
	if len(s.idle) != 0 {
		t.Errorf("%d connections are kept after the end", len(s.idle))
	}
}

// Whatever a mail server says or does not say, the call is over in time, takes a bounded part of it, leaves no connection
// open, and is taken for silence.
func TestNoMailServerHoldsACallUp(t *testing.T) {
	t.Parallel()
	const greeting = "220 here\r\n"
	endless := func(first, again string, pause time.Duration) func(net.Conn) {
		return func(c net.Conn) {
			go func() { _, _ = io.Copy(io.Discard, c) }()
			taken, err := io.WriteString(c, first)
			for err == nil {
				var n int
				n, err = io.WriteString(c, again)
				if taken += n; taken > 64<<20 {
					t.Errorf("%d MB were taken of %q", taken>>20, again[:4])
					return
				}
				time.Sleep(pause)
			}
		}
	}
	kilobyte := strings.Repeat("x", 1<<10)
	for name, behave := range map[string]func(net.Conn){
		"says nothing":           func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"closes":                 func(net.Conn) {},
		"greets, and no more":    func(c net.Conn) { _, _ = io.WriteString(c, greeting); _, _ = io.Copy(io.Discard, c) },
		"greets and closes":      func(c net.Conn) { _, _ = io.WriteString(c, greeting) },
		"speaks HTTP":            func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") },
		"trickles its greeting":  endless("220 ", "x", 100*time.Millisecond),
		"greets on many lines":   endless("", "220-hello\r\n", 100*time.Millisecond),
		"an endless greeting":    endless("220 ", kilobyte, 0),
		"endless lines":          endless("", "220-"+kilobyte+"\r\n", 0),
		"an endless reply":       endless(greeting+"250-", kilobyte, 0),
		"endless lines of reply": endless(greeting, "250-"+kilobyte+"\r\n", 0),
		"TLS that never begins":  func(c net.Conn) { _, _ = io.WriteString(c, greeting+"250-here\r\n250 STARTTLS\r\n220 go on\r\n") },
		"TLS that is none":       endless(greeting+"250-here\r\n250 STARTTLS\r\n220 go on\r\n", kilobyte, 0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := make(chan struct{}, 8)
			s := serverAt(t, outsidetest.Serve(t, func(c net.Conn) {
				behave(c)
				_, _ = io.Copy(io.Discard, c) // until it is closed there
				open <- struct{}{}
			}))
			message, err := s.message(mail.Streams.Stream("acme", "o"), mail.Mails{Name: "Ada", Email: "ada@example.org"}, mail.Mail{MessageID: "m@example.org"})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			stage, code := reply(s.deliver(t.Context(), message))
			if took := time.Since(began); took > outside.CallTimeout+2*time.Second {
				t.Errorf("it took %s", took)
			}
			if stage == stageDone || code >= 500 && stage.aboutMail() {
				t.Errorf("code %d at %s", code, stage)
			}
			select {
			case <-open:
			case <-time.After(10 * time.Second):
				t.Error("the connection is left open")
			}
		})
	}
}

// A mail is handed over within one call's time, however slowly each part of it goes.
func TestASlowMailServerIsLeftInTime(t *testing.T) {
	t.Parallel()
	s := serverAt(t, outsidetest.Serve(t, func(c net.Conn) {
		lines := bufio.NewScanner(c)
		say := func(line string) { time.Sleep(1500 * time.Millisecond); fmt.Fprintf(c, "%s\r\n", line) }
		for say("220 here"); lines.Scan(); say("250 done") {
		}
	}))
	began := time.Now()
	_, err := send(t, s)
	if took := time.Since(began); !errors.Is(err, outside.ErrUnknown) || took > outside.CallTimeout+2*time.Second {
		t.Errorf("%v after %s", err, took)
	}
}

// The test of the build with a clock that can be set is run from here, so that nobody has to think of its tag.
func TestChaosBuild(t *testing.T) {
	t.Parallel()
	if output, err := exec.CommandContext(t.Context(), "go", "test", "-tags", "chaos", "-timeout", "1m", "-run", "^TestClock", ".").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
