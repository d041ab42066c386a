package server

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"waybill.dev/platform/es"
	"waybill.dev/platform/eventlog"
	"waybill.dev/platform/tracecontext"
)

// Post is embedded in the input of every POST.
type Post struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"Makes the request safe to repeat: the first outcome is kept for 7 days and answered again. 1 to 255 printable ASCII characters, scoped by tenant, method and path." example:"0199c3b4-7d1e"`
}

// Reply is what a POST answers.
type Reply[B any] struct {
	Status   int
	Location string `header:"Location" doc:"Where the result is found."`
	Body     B
}

// handleTimeout bounds a request: whatever has not been committed by then is answered 503.
const handleTimeout = 12 * time.Second

// Execute runs the command for the caller. With an idempotency key, its reply is kept in the command's own
// transaction and is given again when the same request comes again; respond is pure, as it may be asked more than
// once. The error is ready to be returned.
func Execute[B any](ctx context.Context, app *App, post Post, command es.Command, respond func(es.States) Reply[B]) (*Reply[B], error) {
	x := exchangeFrom(ctx)
	x.scope.subject(command)
	request := eventlog.Request{
		Command: command,
		Tenant:  x.Tenant,
		At:      x.At,
		Meta:    es.Meta{CorrelationID: x.CorrelationID, CausationID: x.RequestID, TraceParent: tracecontext.Parent(ctx)},
		Respond: func(states es.States) (eventlog.Response, error) {
			reply := respond(states)
			body, err := json.Marshal(reply.Body)
			response := eventlog.Response{Status: reply.Status, Body: body}
			if reply.Location != "" {
				response.Headers = map[string]string{"Location": reply.Location}
			}
			return response, err
		},
	}
	if post.IdempotencyKey != "" {
		request.Idempotency = &eventlog.Idempotency{
			Method: x.method, Path: x.path, Key: post.IdempotencyKey, BodySHA256: x.bodySHA256,
		}
	}
	ctx, cancel := context.WithTimeout(ctx, handleTimeout)
	defer cancel()
	result, err := app.Handle(ctx, request)
	if err != nil {
		return nil, Problem(err)
	}
	// The reply is read back from what is kept, so that the first answer is what all later ones are.
	reply := Reply[B]{Status: result.Response.Status, Location: result.Response.Headers["Location"]}
	if err := json.Unmarshal(result.Response.Body, &reply.Body); err != nil {
		return nil, Problem(fmt.Errorf("a kept response does not fit its route: %w", err))
	}
	return &reply, nil
}
