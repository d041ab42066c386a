package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"runtime/debug"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/caarlos0/env/v11"
)

// gcPercent lets the heap of a service grow further than Go's default of 100 between two collections: what is alive
// is some ten megabytes, so that memory is cheap here and collections would be frequent. GOGC overrules it.
const gcPercent = 400

// Main is a service's main function: it reads the environment over the defaults, builds the service, and serves
// until it is told to stop. The program's only argument is --help.
func Main[C Configuration](name, doc string, defaults C, build func(C) (Service, error)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Who is told a second time, while it stops, ends at once.
	context.AfterFunc(ctx, stop)
	environment := env.ToMap(os.Environ())
	if environment["GOGC"] == "" {
		debug.SetGCPercent(gcPercent)
	}
	err := realMain(ctx, name, doc, defaults, build, os.Args[1:], environment, os.Stdout)
	stop()
	var usage usageError
	switch {
	case errors.As(err, &usage):
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "%s: %s\n", name, oneLine(err))
		os.Exit(1)
	}
}

// usageError is the caller's mistake on the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

func realMain[C Configuration](ctx context.Context, name, doc string, defaults C, build func(C) (Service, error),
	args []string, environment map[string]string, stdout io.Writer) error {
	switch {
	case len(args) == 1 && (args[0] == "--help" || args[0] == "-h"):
		return help(stdout, name, doc, defaults)
	case len(args) > 0:
		return usageError(fmt.Sprintf("unexpected argument %q; it is configured by environment variables: see %s --help", args[0], name))
	}
	config := defaults
	if err := env.ParseWithOptions(&config, env.Options{Environment: environment}); err != nil {
		return configError(err, defaults)
	}
	service, err := build(config)
	if err != nil {
		return err
	}
	s, err := New(ctx, service, config.base(), Options{})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// configError names the variables, and not the Go types behind them.
func configError(err error, config any) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	variables := map[string]string{}
	for _, v := range variablesOf(reflect.ValueOf(config), "") {
		variables[v.field] = v.name
	}
	var lines []error
	for _, e := range all.Errors {
		var parse env.ParseError
		if errors.As(e, &parse) && variables[parse.Name] != "" {
			e = fmt.Errorf("%s: %w", variables[parse.Name], parse.Err)
		}
		lines = append(lines, e)
	}
	return errors.Join(lines...)
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// help lists the environment variables with what they mean and their defaults.
func help(w io.Writer, name, doc string, defaults any) error {
	fmt.Fprintf(w, "%s: %s\n\nIt is configured by environment variables:\n\n", name, doc)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range variablesOf(reflect.ValueOf(defaults), "") {
		value := strings.Trim(fmt.Sprint(v.value), "[]")
		if value != "" {
			value = " (default " + value + ")"
		}
		fmt.Fprintf(table, "  %s\t%s%s\n", v.name, v.doc, value)
	}
	return table.Flush()
}

// variable is an environment variable of a configuration, and the field that it sets.
type variable struct {
	name, doc, field string
	value            reflect.Value
}

func variablesOf(config reflect.Value, prefix string) []variable {
	var list []variable
	for i := range config.NumField() {
		field := config.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
		switch {
		case name != "":
			list = append(list, variable{prefix + name, field.Tag.Get("doc"), field.Name, config.Field(i)})
		case field.IsExported() && field.Type.Kind() == reflect.Struct:
			list = append(list, variablesOf(config.Field(i), prefix+field.Tag.Get("envPrefix"))...)
		}
	}
	return list
}
