package server

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/failure"
	"waybill.dev/platform/tracecontext"
)

// jobRow is what River keeps: jobs of one kind that one commit asked for. A row is written three times, when it is
// enqueued, fetched and done, and under traffic a commit asks for a dozen jobs: shared rows cost a fraction.
//
// The jobs of a row are done side by side, each under the name and in the trace of its own order. Where one fails the
// row is done again, and those that were done find that they were.
type jobRow[A any] struct {
	Jobs []storedJob[A] `json:"jobs"`
}

type storedJob[A any] struct {
	Tenant        string `json:"tenant"`
	Subject       string `json:"subject"`
	CorrelationID string `json:"correlationId"`
	CausationID   string `json:"causationId"`
	TraceParent   string `json:"traceParent"`
	Args          A      `json:"args"`
}

// jobsInRow bounds how many jobs share a row, because they also share an attempt and its pause.
const jobsInRow = 20

// newRow is a row to be enqueued, of jobs whose type only their worker knows.
type newRow struct {
	jobRow[es.Job]
	kind string
}

func (r newRow) Kind() string { return r.kind }

// rowsOf puts the jobs of a kind together, in the order in which they were decided on.
func rowsOf(decided []eventlog.Job) []*newRow {
	var rows []*newRow
	last := map[string]*newRow{}
	for _, d := range decided {
		row := last[d.Args.Kind()]
		if row == nil || len(row.Jobs) == jobsInRow {
			row = &newRow{kind: d.Args.Kind()}
			rows, last[row.kind] = append(rows, row), row
		}
		row.Jobs = append(row.Jobs, storedJob[es.Job]{
			Tenant: d.Tenant, Subject: d.Subject, CorrelationID: d.Meta.CorrelationID, CausationID: d.Meta.CausationID,
			TraceParent: d.Meta.TraceParent, Args: d.Args,
		})
	}
	return rows
}

// readRow is a row as its worker reads it.
type readRow[A es.Job] struct{ jobRow[A] }

func (readRow[A]) Kind() string {
	var job A
	return job.Kind()
}

// worker does the jobs of River's rows of A's kind.
type worker[A es.Job] struct {
	river.WorkerDefaults[readRow[A]]
	jobs *jobs
	// partner is the system outside that the jobs ask; nil for none.
	partner *partner
	work    func(context.Context, *App, JobOf[A]) error
}

func addWorker[A es.Job](j *jobs, p *partner, work func(context.Context, *App, JobOf[A]) error) {
	river.AddWorker(j.workers, &worker[A]{jobs: j, partner: p, work: work})
}

// errTold is the error of a row some of whose jobs have failed. Each has been logged.
var errTold = errors.New("jobs have failed")

func (w *worker[A]) Work(ctx context.Context, row *river.Job[readRow[A]]) error {
	if len(row.Args.Jobs) == 0 {
		return errors.New("the row holds no jobs") // as this version writes them: it is kept for one that can read it
	}
	if w.partner != nil {
		if err := w.partner.enter(ctx); err != nil {
			return err
		}
		defer w.partner.leave()
	}
	failures := make([]error, len(row.Args.Jobs))
	var doing sync.WaitGroup
	for i, stored := range row.Args.Jobs {
		doing.Go(func() { failures[i] = w.do(ctx, row.JobRow, stored) })
	}
	doing.Wait()
	err := errors.Join(failures...)
	switch {
	case err == nil:
		return nil
	case !slices.ContainsFunc(failures, func(err error) bool { return err != nil && !isPutOff(err) }):
		return err
	}
	return errors.Join(errTold, err)
}

func (w *worker[A]) do(ctx context.Context, row *rivertype.JobRow, stored storedJob[A]) error {
	app := w.jobs.app
	job := JobOf[A]{Args: stored.Args, Job: Job{
		Attempt: attempt(row), Tenant: stored.Tenant, Subject: stored.Subject,
		Meta: es.Meta{CorrelationID: stored.CorrelationID, CausationID: stored.CausationID, TraceParent: stored.TraceParent},
	}}
	s := &scope{correlationID: job.Meta.CorrelationID, tenant: job.Tenant}
	s.about(job.Subject)
	ctx = withScope(tracecontext.With(ctx, job.Meta.TraceParent), s)
	ctx, span := app.Tracer.Start(ctx, "job "+row.Kind, trace.WithSpanKind(trace.SpanKindConsumer))
	defer span.End()

	started := clock.Monotonic()
	err := withoutPanic(ctx, func(ctx context.Context) error { return w.work(ctx, app, job) })
	if !stopped(ctx, err) && !isPutOff(err) {
		w.jobs.troubles.attempted(jobName{row.Kind, job.Tenant, job.Subject}, job.Attempt, err)
	}
	w.jobs.metrics.worked(row.Kind, err, time.Since(started))
	if err == nil {
		return nil
	}
	if isPutOff(err) {
		app.Logger.DebugContext(ctx, "a job is put off", "kind", row.Kind, "row", row.ID, "error", err)
		return err
	}
	span.SetStatus(codes.Error, "failed")
	if !stopped(ctx, err) {
		app.Logger.WarnContext(ctx, "a job failed and is done again", "kind", row.Kind, "row", row.ID, "attempt", job.Attempt,
			"class", failure.Of(err), "error", err, "stack", failure.Stack(err))
	}
	return err
}
