package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"waybill.dev/platform/messaging"
	"waybill.dev/platform/postgres"

	"waybill.dev/cmd/waybill/suite"
)

type outboxCommands struct {
	Resend resendCommand `cmd:"" help:"Send again to Kafka what a service has sent and still keeps. Who has heard it already takes no notice."`
}

type resendCommand struct {
	operator
	onKafka
	Service string `help:"Whose outbox: ${services}." enum:"${services}" required:"" placeholder:"NAME"`
	Since   since  `help:"From when on: how long ago (90s, 1h), or a time (2026-03-01T12:00:00Z)." required:"" placeholder:"WHEN"`
}

// since is a moment, given as such or as how long ago it was.
type since struct{ time.Time }

// UnmarshalText reads a duration or an RFC 3339 time.
func (s *since) UnmarshalText(text []byte) error {
	if ago, err := time.ParseDuration(string(text)); err == nil && ago >= 0 {
		s.Time = time.Now().Add(-ago)
		return nil
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q is neither how long ago (1h) nor a time (2026-03-01T12:00:00Z)", text)
	}
	s.Time = at
	return nil
}

func (c *resendCommand) Run(ctx context.Context, t terminal) error {
	var running suite.Description
	if len(c.Kafka) == 0 {
		var err error
		if running, err = suite.Find(ctx, c.Suite); err != nil {
			return fmt.Errorf("where Kafka is: %w, or name its brokers by --kafka", err)
		}
	}
	logins, err := c.databases(ctx, c.Service)
	if err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, logins[c.Service], postgres.Options{Service: c.Service, MaxConns: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	brokers, prefix := c.or(running)
	resent, err := messaging.Resend(ctx, pool, brokers, prefix, c.Since.Time)
	if resent.Sent > 0 || err == nil {
		fmt.Fprintf(t.out, "%d messages of %s sent again.\n", resent.Sent, c.Service)
	}
	tellRefused(t.err, c.Service, resent.Refused)
	return err
}

// tellRefused tells what was not sent. That is no failure: it was refused before, and is among the parked messages.
func tellRefused(out io.Writer, service string, refused []messaging.Refused) {
	if len(refused) == 0 {
		return
	}
	fmt.Fprintf(out, "%d messages of %s were refused by Kafka, as before, and stay parked:\n", len(refused), service)
	for _, r := range refused {
		fmt.Fprintf(out, "  %s for %s: %v\n", cmp.Or(r.MessageID, "an unreadable one"), cmp.Or(r.Topic, "no topic"), r.Err)
	}
}
