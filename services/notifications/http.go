package notifications

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"waybill.dev/platform/server"
	"waybill.dev/services/notifications/mail"
)

func routes(api huma.API, app *server.App) {
	huma.Register(api, huma.Operation{
		OperationID: "list-notifications",
		Method:      http.MethodGet,
		Path:        "/v1/notifications",
		Summary:     "List the mails of an order",
		Description: "Every mail that the order owed its customer so far, in the order in which they fell due. The list is empty where it has owed none, also of an order that nobody has heard of: notifications does not know the orders.",
		Errors:      []int{http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *listInput) (*listOutput, error) { return list(ctx, app, in) })
}

type listInput struct {
	Order string `query:"order" required:"true" minLength:"1" maxLength:"64" doc:"The order's id."`
}

type listOutput struct {
	Body struct {
		Notifications []notification `json:"notifications"`
	}
}

type notification struct {
	Kind    mail.Kind `json:"kind" doc:"What the mail tells."`
	Channel string    `json:"channel" enum:"mail"`
	// Address is where this is used: the shop asks whether its customer was told, and where.
	Address   string      `json:"address" doc:"Where the mail goes; empty while it is held."`
	Status    mail.Status `json:"status" enum:"held,sending,sent,refused"`
	MessageID string      `json:"messageId"`
	At        time.Time   `json:"at" doc:"When it came to this status."`
}

func list(ctx context.Context, app *server.App, in *listInput) (*listOutput, error) {
	id := mail.Streams.Stream(server.CallerFrom(ctx).Tenant, in.Order)
	history, err := app.Log.History(ctx, id)
	if err != nil {
		return nil, server.Problem(err)
	}
	var mails mail.Mails
	since := map[mail.Kind]time.Time{}
	for _, fact := range history {
		before := mails
		mails = mail.Streams.Fold(mails, fact.Event.(mail.Event))
		for _, m := range mails.Mails {
			if was, ok := before.Find(m.Kind); !ok || was.Status != m.Status {
				since[m.Kind] = fact.At
			}
		}
	}
	out := &listOutput{}
	out.Body.Notifications = []notification{}
	for _, m := range mails.Mails {
		out.Body.Notifications = append(out.Body.Notifications, notification{
			Kind: m.Kind, Channel: "mail", Address: mails.Email, Status: m.Status, MessageID: m.MessageID, At: since[m.Kind],
		})
	}
	return out, nil
}
