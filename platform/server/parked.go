package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"waybill.dev/platform/messaging"
)

type parkedInput struct {
	State  string `query:"state" enum:"parked,redriven,discarded" default:"parked" doc:"What has become of the messages: nothing yet, or the end that it names."`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"How many messages a page holds at most."`
	Cursor string `query:"cursor" maxLength:"1000" doc:"The nextCursor of the page before; without it the first page is shown."`
}

type parkedOutput struct {
	Body struct {
		Items      []messaging.Parked `json:"items" nullable:"false" doc:"The newest first."`
		NextCursor string             `json:"nextCursor,omitempty" doc:"Asks for the next page; absent on the last one."`
	}
}

// parkedRoute lists the tenant's messages that could not be read or handled: why, and where they came from. What
// is in them may be anybody's address, and is not shown.
func (s *Server) parkedRoute(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-parked", Method: http.MethodGet, Path: "/v1/parked", Tags: []string{"operations"},
		Summary:     "List parked messages",
		Description: "Messages of the tenant that could not be read or handled, and those that wait behind them. They are kept whole; this shows where they came from and why they were parked.",
		Errors:      []int{http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, func(ctx context.Context, in *parkedInput) (*parkedOutput, error) {
		var after *messaging.Cursor
		if in.Cursor != "" {
			after = &messaging.Cursor{}
			if err := DecodeCursor(in.Cursor, after); err != nil {
				return nil, err
			}
		}
		// One more than is shown tells whether there is another page.
		items, err := messaging.List(ctx, s.app.Pool,
			messaging.Filter{Tenant: CallerFrom(ctx).Tenant, State: messaging.State(in.State)}, in.Limit+1, after)
		if err != nil {
			return nil, Problem(err)
		}
		out := &parkedOutput{}
		if len(items) > in.Limit {
			items = items[:in.Limit]
			last := items[in.Limit-1]
			if out.Body.NextCursor, err = EncodeCursor(messaging.Cursor{ParkedAt: last.ParkedAt, ID: last.ID}); err != nil {
				return nil, Problem(err)
			}
		}
		out.Body.Items = append([]messaging.Parked{}, items...)
		return out, nil
	})
}
