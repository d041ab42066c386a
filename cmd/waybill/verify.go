package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/term"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/cmd/waybill/verify"
)

type verifyCommand struct {
	onSuite
	onKafka
	asJSON
	Data     string            `help:"Data folder of the suite, where it is not told by the suite itself." type:"path" placeholder:"DIR"`
	Auditor  string            `help:"Login to the database of a role that may read all schemas: one that waybill_auditor is granted to. Without it the services' own logins are used, which the suite keeps." env:"WAYBILL_AUDITOR_URL" placeholder:"URL"`
	Database map[string]string `help:"A service's login to its database: orders=postgres://… . May be repeated." placeholder:"NAME=URL" mapsep:"none"`
	Provider string            `help:"URL of the payment provider's books, where the suite does not tell." env:"PROVIDER_URL" placeholder:"URL"`
	Carrier  string            `help:"URL of the carrier's books, where the suite does not tell." env:"CARRIER_URL" placeholder:"URL"`
	AtRest   bool              `help:"An order in flight is a failure too: nothing may be under way."`
	Temp     string            `help:"Where temporary files are kept while it runs: some 6 KB an order." type:"existingdir" placeholder:"DIR"`
}

// Help is told by --help.
func (verifyCommand) Help() string {
	return `Reads the five schemas, Kafka's topics, and the provider's and the carrier's books, whether the suite is at work or
not, and writes nothing. Every order is one of: ok; with attention (right, and the reason, or that it was settled by
hand, excuses what is open); in flight (something is under way, or has happened since the audit began); parked (a
service could not read or handle a message about it); not provable (Kafka no longer keeps what was said); wrong.

Exit status: 0 if no statement is violated, 1 if one is, 2 if the suite could not be audited.`
}

const (
	// violated is the exit status where a statement does not hold, notAudited where none could be proven.
	violated   = 1
	notAudited = 2
)

// verifyMemory is about where the collector works harder rather than let the program grow: it is to run beside a suite.
const verifyMemory = 400 << 20

func (c *verifyCommand) Run(ctx context.Context, t terminal) error {
	sources, err := c.sources(ctx)
	if err != nil {
		return statusError{err, notAudited}
	}
	debug.SetMemoryLimit(verifyMemory)
	report, err := verify.Run(ctx, verify.Options{Sources: sources, AtRest: c.AtRest, Folder: c.Temp, Progress: progressOn(t)})
	if err == nil {
		err = c.tell(t, report)
	}
	switch {
	case err != nil:
		return statusError{fmt.Errorf("the suite could not be audited: %w", err), notAudited}
	case !report.Clean:
		return exitStatus(violated)
	}
	return nil
}

func (c *verifyCommand) tell(t terminal, report verify.Report) error {
	if c.JSON {
		return printJSON(t.out, report)
	}
	return report.Print(t.out, c.AtRest)
}

// progressOn tells on a terminal what is being done, in one line; to anything else it tells nothing.
func progressOn(t terminal) func(string) {
	file, ok := t.err.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return func(what string) {
		const clearLine = "\r\x1b[K"
		if what == "" {
			fmt.Fprint(file, clearLine)
			return
		}
		fmt.Fprint(file, clearLine, what, " …")
	}
}

// sources are those that are named, and the suite's for the rest.
func (c *verifyCommand) sources(ctx context.Context) (verify.Sources, error) {
	s := verify.Sources{Databases: map[string]string{}, Brokers: c.Kafka, Prefix: c.Prefix, Provider: c.Provider, Carrier: c.Carrier}
	for name := range c.Database {
		if !strings.Contains(","+strings.Join(suite.ServiceNames(), ",")+",", ","+name+",") {
			return s, fmt.Errorf("there is no service %q", name)
		}
	}
	if c.Auditor != "" {
		for _, name := range suite.ServiceNames() {
			s.Databases[name] = c.Auditor
		}
	}
	maps.Copy(s.Databases, c.Database)
	folder := c.Data
	if len(s.Brokers) == 0 || s.Provider == "" || s.Carrier == "" || folder == "" && len(s.Databases) < len(suite.ServiceNames()) {
		running, err := suite.Find(ctx, c.Suite)
		if err != nil {
			return s, err
		}
		s.Brokers, s.Prefix = c.or(running)
		if s.Provider == "" {
			s.Provider = running.Simulators[suite.Provider]
		}
		if s.Carrier == "" {
			s.Carrier = running.Simulators[suite.Carrier]
		}
		if folder == "" {
			folder = running.DataFolder
		}
	}
	if len(s.Databases) == len(suite.ServiceNames()) {
		return s, nil
	}
	if folder == "" {
		return s, errors.New("the suite keeps no logins to its databases on this machine: name one that may read all by --auditor, or each by --database")
	}
	kept, err := suite.LoadConnections(folder)
	if err != nil {
		return s, err
	}
	for name, login := range kept.Services {
		if s.Databases[name] == "" {
			s.Databases[name] = login
		}
	}
	return s, nil
}
