// Command waybill is the one binary for people: it runs a whole suite on one machine, and works on a running one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"waybill.dev/cmd/waybill/suite"
)

// commands is the command line.
type commands struct {
	Up       upCommand        `cmd:"" help:"Run a whole suite on this machine, until Ctrl-C."`
	Demo     demoCommand      `cmd:"" help:"Send an order each way it can go, and tell what became of it."`
	Bench    benchCommand     `cmd:"" help:"Measure how fast orders go from end to end, and whether all books agree."`
	Chaos    chaosCommand     `cmd:"" help:"Break a suite in every way while orders come in, and see that its books hold."`
	Verify   verifyCommand    `cmd:"" help:"Prove of every order that what must hold does, or name each that it does not hold of."`
	Parked   parkedCommands   `cmd:"" help:"Look after the messages that services could not read or handle."`
	Outbox   outboxCommands   `cmd:"" help:"Work on a service's outbox."`
	Database databaseCommands `cmd:"" help:"Work on the services' databases."`
	Version  versionCommand   `cmd:"" help:"Print the version."`
}

// onSuite is what each command takes that works on a running suite.
type onSuite struct {
	Suite string `help:"URL of a running suite, ${default} unless given." default:"http://127.0.0.1:8080" env:"WAYBILL_SUITE" placeholder:"URL"`
}

// terminal is where a command speaks to people.
type terminal struct{ out, err io.Writer }

type versionCommand struct{}

func (versionCommand) Run(t terminal) error {
	_, err := fmt.Fprintln(t.out, "waybill", version())
	return err
}

// version is the one that Go has built in.
func version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok || build.Main.Version == "" {
		return "(devel)"
	}
	return build.Main.Version
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Only the first Ctrl-C asks; the next one ends the program at once.
	context.AfterFunc(ctx, stop)
	status := realMain(ctx, os.Args[1:], terminal{os.Stdout, os.Stderr})
	stop()
	os.Exit(status)
}

func realMain(ctx context.Context, args []string, t terminal) (status int) {
	exited := false
	parser, err := kong.New(&commands{},
		kong.Name("waybill"), kong.Description("Waybill takes orders from the shop to the customer's door."),
		kong.Writers(t.out, t.err), kong.Exit(func(code int) { exited, status = true, code }),
		kong.Vars{"services": strings.Join(suite.ServiceNames(), ","), "user": username()},
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(t),
	)
	if err == nil {
		var command *kong.Context
		if command, err = parser.Parse(args); err == nil && !exited {
			err = command.Run()
		}
	}
	var done exitStatus
	if errors.As(err, &done) {
		return int(done)
	}
	if err != nil && !exited {
		fmt.Fprintln(t.err, "waybill:", oneLine(err))
		return statusOf(err)
	}
	return status
}

// exitStatus is that of a program which has said itself what is to be said.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// statusError is an error that ends the program with a status of its own.
type statusError struct {
	error
	status int
}

func (s statusError) Unwrap() error { return s.error }

// statusOf is 1 but where the error says otherwise. Of a command line that cannot be read it is the command's to say.
func statusOf(err error) int {
	var own statusError
	if errors.As(err, &own) {
		return own.status
	}
	var misread *kong.ParseError
	if errors.As(err, &misread) && misread.Context != nil && misread.Context.Selected() != nil && misread.Context.Selected().Name == "verify" {
		return notAudited
	}
	return 1
}

// username is who runs the program, as the operating system knows them.
func username() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

// oneLine is an error in a line. Of several that say the same, one is enough.
func oneLine(err error) string {
	var said []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.Join(strings.Fields(line), " "); line != "" && !slices.Contains(said, line) {
			said = append(said, line)
		}
	}
	return strings.Join(said, "; ")
}
