// Command sim runs the simulation of the saga: see the package it calls.
//
//	sim --runs 50000          that many runs; the first that fails is shown as simply as it can be
//	sim --seed 7              one run, and all that happened in it
//	sim --long                until it is interrupted, and then the coverage besides
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"waybill.dev/tests/sim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sim:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("sim", flag.ExitOnError)
	seed := flags.Uint64("seed", 0, "show the run of this seed instead of many runs")
	first := flags.Uint64("first", 1, "the first of many seeds")
	runs := flags.Int64("runs", 50_000, "how many runs")
	long := flags.Bool("long", false, "run until interrupted, and then hold the coverage against what is possible")
	brief := flags.Bool("brief", false, "do not look for the simplest run like one that fails")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *runs < 1 {
		return fmt.Errorf("-runs %d: there must be one at least", *runs)
	}
	one := false
	flags.Visit(func(f *flag.Flag) { one = one || f.Name == "seed" }) // 0 is a seed like any other
	simulation := sim.New()
	if one {
		fmt.Fprint(out, simulation.History(*seed))
		if r := simulation.Run(*seed, &sim.Coverage{}); len(r.Findings) > 0 {
			return fmt.Errorf("seed %d fails: %s", *seed, r.Findings[0])
		}
		return nil
	}
	if *long {
		*runs = 0
	}
	report := simulation.Many(ctx, *first, *runs)
	fmt.Fprint(out, report)
	if report.Failed {
		if !*brief {
			fmt.Fprint(out, simulation.History(report.Seed))
		}
		return fmt.Errorf("seed %d fails: %s", report.Seed, report.Findings[0])
	}
	if *runs > 0 && report.Runs < *runs {
		return fmt.Errorf("it was interrupted after %d of %d runs", report.Runs, *runs)
	}
	if *long {
		met, excused, all := simulation.Cells(report.Seen)
		fmt.Fprintf(out, "%s\n%d of %d cells were met, and %d are impossible\n", simulation.Table(report.Seen), met, all, excused)
	}
	return simulation.CheckCoverage(report.Seen, *long)
}
