package notifications

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"waybill.dev/services/notifications/mail"
)

// listen is a mail server that takes every mail and tells of each farewell.
func listen(t *testing.T) (address string, farewells <-chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	said := make(chan struct{}, 8)
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go converse(c, said)
		}
	}()
	return listener.Addr().String(), said
}

func converse(c net.Conn, farewells chan<- struct{}) {
	defer c.Close()
	lines, inMail := bufio.NewScanner(c), false
	fmt.Fprint(c, "220 here\r\n")
	for lines.Scan() {
		switch line := lines.Text(); {
		case inMail && line != ".":
			continue
		case line == "DATA":
			inMail = true
			fmt.Fprint(c, "354 go on\r\n")
			continue
		case strings.HasPrefix(line, "QUIT"):
			fmt.Fprint(c, "221 bye\r\n")
			farewells <- struct{}{}
			return
		}
		inMail = false
		fmt.Fprint(c, "250 done\r\n")
	}
}

// A connection waits for the next mail until the service stops, and none that is given back later is kept.
func TestConnectionsAreClosedAtTheEnd(t *testing.T) {
	t.Parallel()
	address, farewells := listen(t)
	s, err := newMailServer(address, "Shop <shop@example.org>")
	if err != nil {
		t.Fatal(err)
	}
	send := func() {
		t.Helper()
		code, err := s.send(t.Context(), mail.Streams.Stream("acme", "o"), mail.Mails{Name: "Ada", Email: "ada@example.org"},
			mail.Mail{Kind: mail.OrderReceived, MessageID: "m@example.org"})
		if code != 0 || err != nil {
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
	send()
	if len(s.idle) != 1 {
		t.Fatalf("%d connections are kept", len(s.idle))
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := s.closeAtEnd(ctx, nil); err != nil {
		t.Fatal(err)
	}
	farewell()
	send()
	farewell()
	if len(s.idle) != 0 {
		t.Errorf("%d connections are kept after the end", len(s.idle))
	}
}
