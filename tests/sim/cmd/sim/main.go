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
	"os"
	"os/signal"
	"syscall"

	"waybill.dev/tests/sim"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "sim:", err)
		os.Exit(1)
	}
}

func run() error {
	seed := flag.Uint64("seed", 0, "show the run of this seed; 0 for many runs")
	first := flag.Uint64("first", 1, "the first of many seeds")
	runs := flag.Int64("runs", 50_000, "how many runs")
	long := flag.Bool("long", false, "run until interrupted, and then hold the coverage against what is possible")
	brief := flag.Bool("brief", false, "do not look for the simplest run like one that fails")
	flag.Parse()
	simulation := sim.New()
	if *seed != 0 {
		fmt.Print(simulation.History(*seed))
		if r := simulation.Run(*seed, &sim.Coverage{}); len(r.Findings) > 0 {
			return fmt.Errorf("seed %d fails: %s", *seed, r.Findings[0])
		}
		return nil
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *long {
		*runs = 0
	}
	report := simulation.Many(ctx, *first, *runs)
	fmt.Print(report)
	if report.Failed {
		if !*brief {
			fmt.Print(simulation.History(report.Seed))
		}
		return fmt.Errorf("seed %d fails: %s", report.Seed, report.Findings[0])
	}
	if *runs > 0 && report.Runs < *runs {
		return fmt.Errorf("it was interrupted after %d of %d runs", report.Runs, *runs)
	}
	if *long {
		met, excused, all := simulation.Cells(report.Seen)
		fmt.Printf("%s\n%d of %d cells were met, and %d are impossible\n", simulation.Table(report.Seen), met, all, excused)
	}
	return simulation.CheckCoverage(report.Seen, *long)
}
