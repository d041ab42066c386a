package payments

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"waybill.dev/contracts"
	"waybill.dev/platform/es"
	"waybill.dev/platform/server"
	"waybill.dev/services/payments/payment"
)

func routes(api huma.API, app *server.App) {
	huma.Register(api, huma.Operation{
		OperationID: "get-payment", Method: http.MethodGet, Path: "/v1/payments/{orderId}",
		Summary:     "The payment of an order",
		Description: "What was held, taken and given back for the order, and every attempt at the payment provider with its references.",
		Tags:        []string{"payments"},
		Errors:      []int{400, 404, 422, 503},
	}, func(ctx context.Context, in *OrderPath) (*paymentOutput, error) {
		id := payment.Category.Stream(server.CallerFrom(ctx).Tenant, in.OrderID)
		states, err := app.Log.Load(ctx, id)
		if err != nil {
			return nil, server.Problem(err)
		}
		p := payment.Category.State(states, id)
		if !p.Known() {
			return nil, huma.Error404NotFound("there is no payment for this order")
		}
		return &paymentOutput{Body: shown(in.OrderID, p)}, nil
	})

	huma.Register(api, huma.Operation{
		OperationID: "retry-payment", Method: http.MethodPost, Path: "/v1/payments/{orderId}/retry",
		Summary:       "Retry what needs attention",
		Description:   "Once the cause of a refused capture, void or refund is lifted at the provider: tries again under a new key. It is a 409 where nothing needs attention.",
		Tags:          []string{"payments"},
		DefaultStatus: http.StatusAccepted,
		Errors:        []int{400, 404, 409, 413, 415, 422, 503},
	}, func(ctx context.Context, in *retryInput) (*server.Reply[Payment], error) {
		caller := server.CallerFrom(ctx)
		id := payment.Category.Stream(caller.Tenant, in.OrderID)
		command := payment.Retry(id, "operator", caller.At)
		return server.Execute(ctx, app, in.Post, command, func(states es.States) server.Reply[Payment] {
			return server.Reply[Payment]{
				Status:   http.StatusAccepted,
				Location: "/v1/payments/" + in.OrderID,
				Body:     shown(in.OrderID, payment.Category.State(states, id)),
			}
		})
	})
}

// OrderPath names the order. It is exported because huma reads nothing of an embedded type that is not.
type OrderPath struct {
	OrderID string `path:"orderId" minLength:"1" maxLength:"64" doc:"The order." example:"0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a10"`
}

type retryInput struct {
	OrderPath
	server.Post
}

type paymentOutput struct{ Body Payment }

// Payment is the payment of an order as it is shown.
type Payment struct {
	OrderID    string         `json:"orderId" doc:"The order." example:"0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a10"`
	Status     payment.Status `json:"status" enum:"pending,authorized,captured,voided,refunded,failed,resolved" doc:"pending: nothing is held yet; authorized: the money is held; captured: it is taken; voided: the hold is gone, or there never will be one; refunded: it went back; failed: it was refused for good, and nothing is held; resolved: an operator settled the order by hand before anything was held." example:"captured"`
	Authorized Money          `json:"authorized" doc:"What was ever held."`
	Captured   Money          `json:"captured" doc:"What was ever taken."`
	Refunded   Money          `json:"refunded" doc:"What went back of what was taken."`
	Attention  string         `json:"attention,omitempty" doc:"Why a person must look; absent where none must." example:"capture refused: capture_refused"`
	Attempts   []Attempt      `json:"attempts" nullable:"false" doc:"Everything that was asked of the provider, in order."`
}

// Money is an amount in the minor units of a currency.
type Money struct {
	Amount   int64  `json:"amount" doc:"Minor units: 1999 EUR is €19.99." example:"1999"`
	Currency string `json:"currency" doc:"ISO 4217 code; empty while the order itself has not been heard of." example:"EUR"`
}

// Attempt is an operation that the provider was asked for.
type Attempt struct {
	Operation         payment.Operation     `json:"operation" enum:"authorize,capture,void,refund" doc:"What was asked for." example:"capture"`
	Number            int                   `json:"number" doc:"Counts the operation's attempts from 0; it rises only when a refusal is retried." example:"0"`
	Key               string                `json:"key" doc:"The idempotency key at the provider." example:"default/0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a10/capture/0"`
	Status            payment.AttemptStatus `json:"status" enum:"pending,succeeded,refused" doc:"pending: no answer yet, the same key is asked again; succeeded: done; refused: refused for good." example:"succeeded"`
	Code              string                `json:"code,omitempty" doc:"The provider's reason, where it refused." example:"capture_refused"`
	ProviderReference string                `json:"providerReference,omitempty" doc:"The provider's own name of what it did." example:"cap_5kq2"`
	At                time.Time             `json:"at" doc:"When it was decided upon." example:"2026-03-01T12:00:00Z"`
}

func shown(order string, p payment.Payment) Payment {
	nothing := contracts.Money{Currency: p.Amount.Currency}
	amount := func(happened bool) Money {
		if happened {
			return Money(p.Amount)
		}
		return Money(nothing)
	}
	out := Payment{
		OrderID: order, Status: p.Status(),
		Authorized: amount(p.Authorized), Captured: amount(p.Captured), Refunded: amount(p.Refunded),
		Attempts: make([]Attempt, 0, len(p.Attempts)),
	}
	if a, ok := p.Attention(); ok {
		out.Attention = fmt.Sprintf("%s refused: %s", a.Operation, a.Code)
	}
	for _, a := range p.Attempts {
		out.Attempts = append(out.Attempts, Attempt{
			Operation: a.Operation, Number: a.Number, Key: a.Key, Status: a.Status, Code: a.Code,
			ProviderReference: a.Reference, At: a.At.UTC(),
		})
	}
	return out
}
