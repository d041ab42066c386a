package server

import (
	"context"
	"time"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/outside"
	"waybill.dev/platform/tracecontext"
)

// Job is what a job is done for.
type Job struct {
	// Attempt counts from 1.
	Attempt int
	Tenant  string
	// Subject is the id of the stream that the command which asked for the job was about first.
	Subject string
	// Meta is that of the fact which the job follows from.
	Meta es.Meta
}

// JobOf is a job with its arguments.
type JobOf[A es.Job] struct {
	Job
	Args A
}

// Workers are those who do a service's jobs.
type Workers struct {
	add []func(*jobs)
}

// Work registers who does the jobs of A's kind. A job is done when work returns nil; after an error or a panic it
// is done again, after a pause that grows to half a minute, for ever. It may also be done twice at a time, when a
// worker is slow to die. Its arguments are stored and shown, so they hold nothing secret.
func Work[A es.Job](w *Workers, work func(ctx context.Context, app *App, job JobOf[A]) error) {
	w.add = append(w.add, func(j *jobs) { addWorker(j, nil, work) })
}

// WorkOutside is Work for jobs that ask a system outside. They leave a part of the workers to other jobs, however slow
// the system is. A job that finds the system's breaker open, or that part of the workers taken, is put off: that counts
// as no attempt.
func WorkOutside[A es.Job](w *Workers, system *outside.System, work func(ctx context.Context, app *App, job JobOf[A]) error) {
	w.add = append(w.add, func(j *jobs) { addWorker(j, j.partners.add(system, readRow[A]{}.Kind()), work) })
}

// recordTimeout is how long an outcome may take to be recorded once it is known, where its job has no more time left.
const recordTimeout = 3 * time.Second

// Record runs the command that records a job's outcome. The outcome may have been recorded before: the command
// decides nothing then.
func (app *App) Record(ctx context.Context, job Job, command es.Command) error {
	// What the outside has answered is not thrown away because the job's time is over or the server stops: it would
	// have to be asked again.
	until := clock.Monotonic().Add(recordTimeout)
	if end, ok := ctx.Deadline(); ok && end.After(until) {
		until = end
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	app.recording.RLock()
	defer app.recording.RUnlock()
	meta := job.Meta
	meta.TraceParent = tracecontext.Parent(ctx)
	_, err := app.Handle(ctx, eventlog.Request{Command: command, Tenant: job.Tenant, At: clock.Now().UTC(), Meta: meta})
	return err
}
