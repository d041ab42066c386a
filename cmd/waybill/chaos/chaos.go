// Package chaos runs a suite as it would run in earnest, two processes of each service on a real PostgreSQL and a real
// Apache Kafka, breaks it in every way that it must bear while orders come in, and then holds its books against what
// must be true at rest.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Config says how long, and with what.
type Config struct {
	// Binaries is the folder with the services' programs, built with the tag "chaos", and the simulators.
	Binaries string
	// Duration is how long faults come.
	Duration time.Duration
	// Seed decides which faults come, when, and where. What comes of them also hangs on the machine.
	Seed uint64
	// Rate is how many orders are placed a second.
	Rate float64
	// Version is told in the suite's description.
	Version string
	// Log gets a line for each fault and each stage.
	Log io.Writer
}

// Validate names what cannot be run.
func (c Config) Validate() error {
	var errs []error
	if c.Duration < time.Second {
		errs = append(errs, errors.New("--duration must be 1s or more"))
	}
	if c.Rate <= 0 || c.Rate > 1000 {
		errs = append(errs, errors.New("--rate must be above 0 and at most 1000"))
	}
	if _, err := os.Stat(filepath.Join(c.Binaries, "simulators")); err != nil {
		errs = append(errs, fmt.Errorf("--binaries: %s holds no programs: make chaos builds them", c.Binaries))
	}
	return errors.Join(errs...)
}

// raiseTime is how long PostgreSQL may take to come back.
const raiseTime = 2 * time.Minute

// restTime is how long after the last process is back everything may take to come to rest, with no help.
const restTime = 90 * time.Second

// Run runs it. The error says that it could not be run, or was interrupted; that the books do not hold is in the report.
// Where they do not, or it could not be run to its end, the folder with logs and data is kept.
func Run(ctx context.Context, c Config) (report Report, err error) {
	if err := c.Validate(); err != nil {
		return Report{}, err
	}
	folder, err := os.MkdirTemp("", "waybill-chaos-")
	if err != nil {
		return Report{}, err
	}
	w := &world{config: c, folder: folder, began: time.Now()}
	defer func() {
		failed := ctx.Err() == nil && (err != nil || !report.Clean)
		err = errors.Join(err, w.stop(failed))
		if !failed {
			err = errors.Join(err, os.RemoveAll(folder))
			return
		}
		report.Folder = folder
		if err != nil {
			err = fmt.Errorf("%w (logs and data are kept in %s)", err, folder)
		}
	}()
	w.say("starting in %s, seed %d", folder, c.Seed)
	if err := w.start(ctx); err != nil {
		return Report{}, err
	}
	return w.run(ctx)
}

// run breaks what has been started, mends it, and looks at what has come of it.
func (w *world) run(ctx context.Context) (Report, error) {
	load, err := newLoad(ctx, w)
	if err != nil {
		return Report{}, fmt.Errorf("stock the shelves: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		load.wait()
	}()
	placing, stop := context.WithCancel(ctx)
	defer stop()
	load.start(ctx, placing)

	storm := newStorm(w, w.kinds())
	if err := storm.run(ctx); err != nil {
		return Report{}, err
	}
	stop()
	w.say("the faults are over: everything is started again")
	if err := w.mend(ctx); err != nil {
		return Report{}, fmt.Errorf("after the faults: %w", err)
	}
	w.say("every process is back; %s to come to rest", restTime)
	back := time.Now()
	report := Report{
		Seed: w.config.Seed, Seconds: w.config.Duration.Seconds(), Faults: storm.counts(), NotRun: w.notRun(),
	}
	resting, done := context.WithTimeoutCause(ctx, restTime, fmt.Errorf("%s have passed", restTime))
	defer done()
	err = w.awaitWorking(resting)
	if err == nil {
		err = w.awaitRest(resting, load)
	}
	if err != nil {
		report.Wrong = append(report.Wrong, "it did not come to rest: "+err.Error())
	}
	if err := ctx.Err(); err != nil {
		return Report{}, context.Cause(ctx)
	}
	report.RestSeconds = time.Since(back).Seconds()
	load.report(&report)
	books, err := w.verify(ctx)
	if err != nil {
		return report, fmt.Errorf("verify: %w", err)
	}
	report.Wrong = append(report.Wrong, report.against(books)...)
	report.Clean = len(report.Wrong) == 0
	return report, nil
}

// say tells people what is going on.
func (w *world) say(format string, args ...any) {
	w.saying.Lock()
	defer w.saying.Unlock()
	fmt.Fprintf(w.config.Log, "%7.1fs  %s\n", time.Since(w.began).Seconds(), fmt.Sprintf(format, args...))
}

func (w *world) path(names ...string) string {
	return filepath.Join(append([]string{w.folder}, names...)...)
}
