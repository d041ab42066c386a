package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"text/tabwriter"
	"time"

	"waybill.dev/platform/server"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/up"
)

type upCommand struct {
	Data         string        `help:"Folder that everything is kept in, ./.waybill unless given." type:"path" xor:"data" placeholder:"DIR"`
	Ephemeral    bool          `help:"Keep nothing." xor:"data"`
	Listen       string        `help:"Address to listen on, ${default} unless given." default:"127.0.0.1" placeholder:"HOST"`
	RandomPorts  bool          `help:"Listen on free ports instead of 8080 to 8085 and those of the simulators."`
	Postgres     string        `help:"Use this PostgreSQL database, as one who may create roles. It holds one suite." env:"WAYBILL_POSTGRES" placeholder:"URL"`
	Kafka        []string      `help:"Use these Kafka brokers. They serve one suite." env:"WAYBILL_KAFKA" placeholder:"HOST:PORT"`
	PickUpAfter  time.Duration `help:"How long after its booking the carrier picks up a parcel." default:"2s"`
	DeliverAfter time.Duration `help:"How long after its pick-up a parcel is delivered." default:"4s"`
	Tenants      string        `help:"YAML file with the settings of tenants." env:"TENANTS_FILE" type:"path" placeholder:"FILE"`
	Traces       string        `help:"Send spans to this OTLP/HTTP endpoint." env:"OTEL_EXPORTER_OTLP_ENDPOINT" placeholder:"URL"`
	Verbose      bool          `short:"v" help:"Log to the terminal instead of the data folder."`
}

// What is alive in a suite's heap is some ten megabytes: collections may be seldom, up to where the memory would be
// missed by others. GOGC and GOMEMLIMIT overrule it.
const gcPercent, memoryLimit = 400, 160 << 20

// tuneMemory is for the process as a whole, so that it is not done where a suite is embedded.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

func (c *upCommand) Run(ctx context.Context, t terminal) error {
	tuneMemory()
	config := up.Config{
		Data: c.Data, Ephemeral: c.Ephemeral, Host: c.Listen, RandomPorts: c.RandomPorts,
		PostgresURL: c.Postgres, KafkaBrokers: c.Kafka,
		PickUpAfter: c.PickUpAfter, DeliverAfter: c.DeliverAfter,
		TenantsFile: c.Tenants, TraceEndpoint: c.Traces, Version: version(),
		Progress: func(what string) { fmt.Fprintln(t.out, what, "…") },
	}
	if c.Data == "" && !c.Ephemeral {
		config.Data = ".waybill"
	}
	if c.Verbose {
		config.Logger = server.NewLogger(t.err, slog.LevelInfo)
	}
	begin := time.Now()
	running, err := up.Start(ctx, config)
	if errors.Is(err, context.Canceled) {
		return nil // Ctrl-C
	}
	if err != nil {
		return err
	}
	c.introduce(t.out, running, time.Since(begin))
	select {
	case <-running.Failed():
	case <-ctx.Done():
		fmt.Fprintln(t.out, "\nStopping …")
	}
	return errors.Join(running.Err(), running.Stop())
}

// introduce tells where everything listens, and what to try.
func (c *upCommand) introduce(w io.Writer, running *up.Suite, took time.Duration) {
	d := running.Description()
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "  start page\t%s\n", running.URL())
	for _, name := range suite.ServiceNames() {
		fmt.Fprintf(table, "  %s\t%s/docs\n", name, d.Services[name])
	}
	for _, name := range suite.SimulatorNames() {
		fmt.Fprintf(table, "  %s\t%s\n", name, d.Simulators[name])
	}
	fmt.Fprintf(table, "  mail server\t%s\n", d.Simulators[suite.SMTP])
	fmt.Fprintf(table, "  PostgreSQL\t%s\n", hostOf(running.Connections().Postgres))
	fmt.Fprintf(table, "  Kafka\t%s\n", strings.Join(d.KafkaBrokers, ", "))
	if !c.Ephemeral {
		fmt.Fprintf(table, "  data\t%s\n", d.DataFolder)
	}
	if !c.Verbose {
		fmt.Fprintf(table, "  log\t%s\n", filepath.Join(d.DataFolder, up.LogName))
	}
	_ = table.Flush()
	fmt.Fprintf(w, `
Try:

  curl %[1]s/v1/stock/MUG-BLUE/receipts -H content-type:application/json -d '{"quantity":100,"reference":"first delivery"}'

  curl %[2]s/v1/orders -H content-type:application/json -d '{"customer":{"id":"customer-1","name":"Ada Lovelace","email":"ada@example.com"},"lines":[{"sku":"MUG-BLUE","name":"Mug, blue","quantity":2,"unitPrice":{"amount":1999,"currency":"EUR"}}],"shippingAddress":{"name":"Ada Lovelace","line1":"12 St James Square","city":"London","postalCode":"SW1Y 4JH","country":"GB"},"payment":{"method":"card","token":"tok_ok"}}'

  curl '%[2]s/v1/orders?limit=1'

Ready after %.1[3]f s. Ctrl-C stops it.
`, d.Services[suite.Inventory], d.Services[suite.Orders], took.Seconds())
}

// hostOf is a database URL without the login.
func hostOf(databaseURL string) string {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "given"
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "5432")
	}
	return host + u.Path
}
