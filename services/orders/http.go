package orders

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"waybill.dev/platform/es"
	"waybill.dev/platform/server"
	"waybill.dev/services/orders/order"
)

func routes(api huma.API, app *server.App) {
	huma.Register(api, huma.Operation{
		OperationID: "place-order", Method: http.MethodPost, Path: "/v1/orders",
		Summary:       "Place an order",
		Description:   "Takes the order, whole. That it was taken says nothing of the payment or the stock: its status does, as they become known.",
		Tags:          []string{"orders"},
		DefaultStatus: http.StatusCreated,
		Errors:        []int{400, 409, 413, 415, 422, 503},
	}, func(ctx context.Context, in *placeInput) (*server.Reply[Order], error) {
		caller := server.CallerFrom(ctx)
		id, err := uuid.NewV7()
		if err != nil {
			return nil, server.Problem(err)
		}
		verb := in.Body.verb()
		verb.At, verb.Deadlines = caller.At.Truncate(time.Microsecond), deadlines(app.Tenants.Settings(caller.Tenant).Deadlines)
		return server.Execute(ctx, app, in.Post, order.On(caller.Tenant, id.String(), verb),
			answer(caller.Tenant, id.String(), http.StatusCreated))
	})

	huma.Register(api, huma.Operation{
		OperationID: "get-order", Method: http.MethodGet, Path: "/v1/orders/{id}",
		Summary: "An order",
		Tags:    []string{"orders"},
		Errors:  []int{400, 404, 422, 503},
	}, func(ctx context.Context, in *OrderPath) (*orderOutput, error) {
		facts, err := history(ctx, app, in.ID)
		if err != nil {
			return nil, err
		}
		return &orderOutput{Body: shownOrder(in.ID, fold(facts), facts[len(facts)-1].At)}, nil
	})

	huma.Register(api, huma.Operation{
		OperationID: "get-order-history", Method: http.MethodGet, Path: "/v1/orders/{id}/history",
		Summary:     "Every fact of an order",
		Description: "What the order decided and what it heard of the other services, in the order in which it was noted. The payment token is not shown.",
		Tags:        []string{"orders"},
		Errors:      []int{400, 404, 422, 503},
	}, func(ctx context.Context, in *OrderPath) (*historyOutput, error) {
		facts, err := history(ctx, app, in.ID)
		if err != nil {
			return nil, err
		}
		return &historyOutput{Body: shownHistory(facts)}, nil
	})

	huma.Register(api, huma.Operation{
		OperationID: "list-orders", Method: http.MethodGet, Path: "/v1/orders",
		Summary: "The orders",
		Description: "Page by page, newest first; of one status, of one customer, with attention or without, overdue or not, where these are named.\n\n" +
			"An order is overdue (`overdue=true`: the longest overdue first) from the time that its next step was due until that step is done, or is judged: then a step before the pick-up has become a request for cancellation, whose answer is what is waited for next, and any other step has become `attention`, \"capture is overdue\". So an order with attention waits for a person and not for a step, and is never overdue as well.",
		Tags:   []string{"orders"},
		Errors: []int{400, 422, 503},
	}, func(ctx context.Context, in *listInput) (*pageOutput, error) {
		caller := server.CallerFrom(ctx)
		f := filter{
			Tenant: caller.Tenant, Status: in.Status, Customer: in.Customer,
			Attention: in.Attention.asked(), Overdue: in.Overdue.asked(), At: caller.At,
		}
		after, err := f.place(in.Cursor)
		if err != nil {
			return nil, err
		}
		// One more than is shown tells whether there is a next page.
		rows, err := list(ctx, app.Pool, f, after, in.Limit+1)
		if err != nil {
			return nil, server.Problem(err)
		}
		return f.shownPage(rows, in.Limit)
	})

	huma.Register(api, huma.Operation{
		OperationID: "cancel-order", Method: http.MethodPost, Path: "/v1/orders/{id}/cancellation",
		Summary:       "Ask for an order to be cancelled",
		Description:   "Whether it still can be is answered by shipping, which knows where the parcel is: the order then ends cancelled, or goes on. Asking again while it is being cancelled changes nothing. An order that has ended, or whose cancellation was refused, is a 409.",
		Tags:          []string{"orders"},
		DefaultStatus: http.StatusAccepted,
		Errors:        []int{400, 404, 409, 413, 415, 422, 503},
	}, func(ctx context.Context, in *cancelInput) (*server.Reply[Order], error) {
		caller := server.CallerFrom(ctx)
		verb := in.Body.verb()
		verb.At = caller.At
		return server.Execute(ctx, app, in.Post, order.On(caller.Tenant, in.ID, verb),
			answer(caller.Tenant, in.ID, http.StatusAccepted))
	})

	huma.Register(api, huma.Operation{
		OperationID: "resolve-order", Method: http.MethodPost, Path: "/v1/orders/{id}/resolution",
		Summary: "Settle an order by hand",
		Description: "For an operator who has settled with the outside what the services could not: ends the order, on record, and every service ends its part. An order that shows no attention is a 409, and so is a second resolution.\n\n" +
			"It moves no money and stops no parcel, whatever the outcome. Payments and shipping ask the outside for nothing more: what is held or captured stays so, and so does a booked parcel; what was asked before is still answered and noted. Inventory takes what is reserved off the shelf (`completed`) or sets it free (`cancelled`). Notifications tells the customer which of the two it is. So, before it is resolved as `cancelled`, have a hold voided, captured money paid back and a booked parcel stopped; as `completed`, have it paid and shipped: docs/runbooks/attention.md says how.",
		Tags:          []string{"orders"},
		DefaultStatus: http.StatusOK,
		Errors:        []int{400, 404, 409, 413, 415, 422, 503},
	}, func(ctx context.Context, in *resolveInput) (*server.Reply[Order], error) {
		caller := server.CallerFrom(ctx)
		return server.Execute(ctx, app, in.Post, order.On(caller.Tenant, in.ID, in.Body.verb()),
			answer(caller.Tenant, in.ID, http.StatusOK))
	})
}

// answer is the order that a command led to.
func answer(tenant, id string, status int) func(es.States) server.Reply[Order] {
	stream := order.Category.Stream(tenant, id)
	return func(states es.States) server.Reply[Order] {
		return server.Reply[Order]{
			Status: status, Location: "/v1/orders/" + id,
			Body: shownOrder(id, order.Category.State(states, stream), time.Time{}),
		}
	}
}

// history is every fact of an order that the caller's tenant has placed; its error is a problem to be returned.
func history(ctx context.Context, app *server.App, id string) ([]es.Recorded, error) {
	facts, err := app.Log.History(ctx, order.Category.Stream(server.CallerFrom(ctx).Tenant, id))
	if err != nil {
		return nil, server.Problem(err)
	}
	if fold(facts).Placed == nil {
		return nil, huma.Error404NotFound("there is no such order")
	}
	return facts, nil
}

func fold(facts []es.Recorded) (o order.Order) {
	for _, f := range facts {
		if e, ok := f.Event.(order.Event); ok {
			o = order.Evolve(o, e)
		}
	}
	return o
}

func deadlines(d server.Deadlines) order.Deadlines {
	return order.Deadlines{
		Authorization: order.Duration(d.Authorization), Reservation: order.Duration(d.Reservation),
		Shipment: order.Duration(d.Shipment), Capture: order.Duration(d.Capture), Cancellation: order.Duration(d.Cancellation),
	}
}
