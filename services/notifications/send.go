package notifications

import (
	"context"

	"waybill.dev/platform/server"
	"waybill.dev/services/notifications/mail"
)

// work hands one mail to the mail server and notes what it said.
func (s *mailServer) work(ctx context.Context, app *server.App, job server.JobOf[mail.Send]) error {
	id := mail.Streams.Stream(job.Tenant, job.Args.Order)
	states, err := app.Log.Load(ctx, id)
	if err != nil {
		return err
	}
	mails := mail.Streams.State(states, id)
	owed, ok := mails.Find(job.Args.Mail)
	if !ok || owed.Status != mail.Sending {
		return nil // settled by a worker that was taken for dead
	}
	code, err := s.send(ctx, id, mails, owed)
	if err != nil {
		return err
	}
	if code != 0 {
		app.Logger.ErrorContext(ctx, "the mail server has refused a mail for good", "mail", owed.Kind, "code", code)
	}
	return app.Record(ctx, job.Job, mail.Settle(id, owed.Kind, code))
}
