// Command simulators runs one of the simulated servers of the outside world: the payment provider, the carrier
// or the mailbox.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"waybill.dev/simulators/carrier"
	"waybill.dev/simulators/mailbox"
	"waybill.dev/simulators/provider"
)

// shared is what each simulator takes.
type shared struct {
	Data     string     `help:"Folder of the books; without one they end with the process." env:"SIMULATOR_DATA" type:"path" placeholder:"DIR"`
	LogLevel slog.Level `help:"What to log: debug, info, warn or error." env:"SIMULATOR_LOG_LEVEL" default:"info"`
}

type commands struct {
	Provider providerCommand `cmd:"" help:"Run the payment provider."`
	Carrier  carrierCommand  `cmd:"" help:"Run the carrier."`
	Mailbox  mailboxCommand  `cmd:"" help:"Run the mailbox."`
}

type providerCommand struct {
	shared
	Listen                string        `help:"Address to serve HTTP on." env:"PROVIDER_LISTEN" default:"127.0.0.1:9081"`
	SlowAnswer            time.Duration `help:"How long tok_slow takes to answer." env:"PROVIDER_SLOW_ANSWER" default:"3s"`
	AuthorizationLifetime time.Duration `help:"How long a hold lasts." env:"PROVIDER_AUTHORIZATION_LIFETIME" default:"168h"`
}

func (c *providerCommand) Run(ctx context.Context, stderr io.Writer) error {
	server, err := provider.New(provider.Config{
		Listen: c.Listen, Data: c.Data, SlowAnswer: c.SlowAnswer, AuthorizationLifetime: c.AuthorizationLifetime,
		Logger: c.logger(stderr),
	})
	if err != nil {
		return err
	}
	return server.Run(ctx)
}

type carrierCommand struct {
	shared
	Listen         string        `help:"Address to serve HTTP on." env:"CARRIER_LISTEN" default:"127.0.0.1:9082"`
	PickUpAfter    time.Duration `help:"How long after its booking a parcel is picked up." env:"CARRIER_PICK_UP_AFTER" default:"2s"`
	DeliverAfter   time.Duration `help:"How long after its pick-up a parcel is delivered." env:"CARRIER_DELIVER_AFTER" default:"5s"`
	WebhookURL     string        `help:"URL to tell of pick-ups and deliveries; without one, nobody is told." env:"CARRIER_WEBHOOK_URL" placeholder:"URL"`
	WebhookSecret  string        `help:"What signs the webhooks: whsec_ and 24 to 64 bytes in base64." env:"CARRIER_WEBHOOK_SECRET" placeholder:"SECRET"`
	WebhookTimeout time.Duration `help:"How long an answer to a webhook may take." env:"CARRIER_WEBHOOK_TIMEOUT" default:"10s"`
	RetryFrom      time.Duration `help:"Pause before the second try of a webhook; it doubles with each try." env:"CARRIER_RETRY_FROM" default:"200ms"`
	RetryUpTo      time.Duration `help:"Longest pause between two tries of a webhook." env:"CARRIER_RETRY_UP_TO" default:"30s"`
}

func (c *carrierCommand) Run(ctx context.Context, stderr io.Writer) error {
	server, err := carrier.New(carrier.Config{
		Listen: c.Listen, Data: c.Data, PickUpAfter: c.PickUpAfter, DeliverAfter: c.DeliverAfter,
		WebhookURL: c.WebhookURL, WebhookSecret: c.WebhookSecret, WebhookTimeout: c.WebhookTimeout,
		RetryFrom: c.RetryFrom, RetryUpTo: c.RetryUpTo, Logger: c.logger(stderr),
	})
	if err != nil {
		return err
	}
	return server.Run(ctx)
}

type mailboxCommand struct {
	shared
	Listen     string `help:"Address to serve HTTP on." env:"MAILBOX_LISTEN" default:"127.0.0.1:9083"`
	ListenSMTP string `help:"Address to take mail on." env:"MAILBOX_LISTEN_SMTP" name:"listen-smtp" default:"127.0.0.1:9025"`
}

func (c *mailboxCommand) Run(ctx context.Context, stderr io.Writer) error {
	server, err := mailbox.New(mailbox.Config{
		Listen: c.Listen, ListenSMTP: c.ListenSMTP, Data: c.Data, Logger: c.logger(stderr),
	})
	if err != nil {
		return err
	}
	return server.Run(ctx)
}

func (s shared) logger(stderr io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: s.LogLevel}))
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command := kong.Parse(&commands{},
		kong.Name("simulators"), kong.Description("The outside world of Waybill, simulated by real servers."),
		kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(os.Stderr, (*io.Writer)(nil)))
	if err := command.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "simulators:", err)
		stop()
		os.Exit(1)
	}
}
