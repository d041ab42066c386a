package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"waybill.dev/platform/clock"
	"waybill.dev/platform/failure"
)

// again stands around every attempt at a row. What fails is put off, never counted as River counts attempts: so it is
// never discarded, and its row does not grow by an error for each attempt.
type again struct {
	river.MiddlewareDefaults
	jobs *jobs
}

func (a *again) Work(ctx context.Context, row *rivertype.JobRow, doInner func(context.Context) error) error {
	err := withoutPanic(ctx, doInner)
	if err == nil || stopped(ctx, err) {
		return err
	}
	if after, ok := putOff(err); ok {
		return a.putOff(ctx, row, after)
	}
	tries := attempt(row)
	pause := a.jobs.app.Config.JobCooldowns.After(tries)
	if !errors.Is(err, errTold) {
		a.jobs.troubles.attempted(jobName{kind: row.Kind, subject: fmt.Sprint("row ", row.ID)}, tries, err)
		a.jobs.app.Logger.ErrorContext(ctx, "a row of jobs cannot be read and is tried again", "kind", row.Kind, "row", row.ID,
			"error", err, "stack", failure.Stack(err))
	}
	a.jobs.wake.after(pause)
	return river.JobSnooze(pause)
}

// stopped says whether the error comes from the end of the server: River gives the row back.
func stopped(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) && ctx.Err() != nil
}

// putOff has the row done later though nothing has failed, and keeps on record that this was no attempt.
func (a *again) putOff(ctx context.Context, row *rivertype.JobRow, after time.Duration) error {
	before := history(row)
	if err := river.RecordOutput(ctx, rowOutput{PutOff: before.Output.PutOff + 1}); err != nil {
		return err
	}
	pause := after + a.jobs.app.Config.JobCooldowns.After(before.Output.PutOff+1)
	a.jobs.wake.after(pause)
	return river.JobSnooze(pause)
}

// rowHistory is what River keeps in a row's metadata: how often it was to be done later, and our own word.
type rowHistory struct {
	Snoozes int       `json:"snoozes"`
	Output  rowOutput `json:"output"`
}

// rowOutput is our word: how often the row was put off without an attempt.
type rowOutput struct {
	PutOff int `json:"putOff"`
}

func history(row *rivertype.JobRow) (h rowHistory) {
	if json.Unmarshal(row.Metadata, &h) != nil {
		return rowHistory{} // a person may have edited it: the job is done all the same
	}
	return h
}

// attempt counts from 1.
func attempt(row *rivertype.JobRow) int {
	h := history(row)
	return row.Attempt + h.Snoozes - h.Output.PutOff
}

// retryPolicy is for what River itself counts as a failure: a job whose worker was killed.
type retryPolicy struct{ cooldowns failure.Cooldowns }

func (p retryPolicy) NextRetry(row *rivertype.JobRow) time.Time {
	return clock.Now().Add(p.cooldowns.After(row.Attempt))
}

// revive gives back what River has discarded all the same: a job that has brought the process down again and
// again, or of a kind that this version does not know. It also takes back what was put off by a process whose clock
// was ahead: no pause is as long as that.
func revive(ctx context.Context, app *App) error {
	tag, err := app.Pool.Exec(ctx, `UPDATE river_job SET state = 'available', attempt = 0, finalized_at = NULL, scheduled_at = now()
		WHERE state = 'discarded' AND finalized_at IS NOT NULL`)
	if err == nil && tag.RowsAffected() > 0 {
		app.Logger.ErrorContext(ctx, "discarded jobs were enqueued again", "jobs", tag.RowsAffected())
	}
	if err == nil {
		tag, err = app.Pool.Exec(ctx, `UPDATE river_job SET state = 'available', scheduled_at = now()
			WHERE state IN ('available', 'scheduled', 'retryable') AND scheduled_at > now() + $1::interval`,
			2*(jobTimeout+slices.Max(app.Config.JobCooldowns)))
	}
	if err == nil && tag.RowsAffected() > 0 {
		app.Logger.WarnContext(ctx, "jobs that a wrong clock had put off were taken back", "jobs", tag.RowsAffected())
	}
	return err
}
