package inventory

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"waybill.dev/platform/es"
	"waybill.dev/platform/server"
	"waybill.dev/services/inventory/stock"
)

func routes(api huma.API, app *server.App) {
	huma.Register(api, huma.Operation{
		OperationID: "receive-stock", Method: http.MethodPost, Path: "/v1/stock/{sku}/receipts",
		Summary:       "Receive goods",
		Description:   "Adds a delivery to the stock of a SKU. The same reference and quantity count once, however often they come; another quantity under the reference is a 409.",
		Tags:          []string{"stock"},
		DefaultStatus: http.StatusCreated,
		Errors:        []int{400, 409, 413, 415, 422, 503},
	}, func(ctx context.Context, in *receiptInput) (*server.Reply[StockLevel], error) {
		command := stock.Receive{
			Tenant: server.CallerFrom(ctx).Tenant, SKU: in.SKU, Quantity: in.Body.Quantity, Reference: in.Body.Reference,
		}.Command()
		return server.Execute(ctx, app, in.Post, command, levelReached(ctx, in.SKU))
	})

	huma.Register(api, huma.Operation{
		OperationID: "adjust-stock", Method: http.MethodPost, Path: "/v1/stock/{sku}/adjustments",
		Summary:       "Correct a count",
		Description:   "Adds to what is on hand of a known SKU, or takes from it. What is reserved stays on hand: an adjustment below it is a 409.",
		Tags:          []string{"stock"},
		DefaultStatus: http.StatusCreated,
		Errors:        []int{400, 404, 409, 413, 415, 422, 503},
	}, func(ctx context.Context, in *adjustmentInput) (*server.Reply[StockLevel], error) {
		command := stock.Adjust{
			Tenant: server.CallerFrom(ctx).Tenant, SKU: in.SKU, Quantity: in.Body.Quantity, Reason: in.Body.Reason,
		}.Command()
		return server.Execute(ctx, app, in.Post, command, levelReached(ctx, in.SKU))
	})

	huma.Register(api, huma.Operation{
		OperationID: "get-stock", Method: http.MethodGet, Path: "/v1/stock/{sku}",
		Summary: "The stock of a SKU",
		Tags:    []string{"stock"},
		Errors:  []int{400, 404, 422, 503},
	}, func(ctx context.Context, in *ShelfInput) (*stockOutput, error) {
		l, found, err := levelOf(ctx, app.Pool, server.CallerFrom(ctx).Tenant, in.SKU)
		switch {
		case err != nil:
			return nil, server.Problem(err)
		case !found:
			return nil, huma.Error404NotFound("SKU " + in.SKU + " is not known: nothing of it was ever received")
		}
		return &stockOutput{Body: shownLevel(l.SKU, l.Stock)}, nil
	})

	huma.Register(api, huma.Operation{
		OperationID: "list-stock", Method: http.MethodGet, Path: "/v1/stock",
		Summary:     "The stock of all SKUs",
		Description: "Every SKU that was ever received, page by page, in the order of their bytes.",
		Tags:        []string{"stock"},
		Errors:      []int{400, 422, 503},
	}, func(ctx context.Context, in *listInput) (*pageOutput, error) {
		var after string
		if in.Cursor != "" {
			if err := server.DecodeCursor(in.Cursor, &after); err != nil {
				return nil, err
			}
		}
		// One more than is shown tells whether there is a next page.
		levels, err := levelsAfter(ctx, app.Pool, server.CallerFrom(ctx).Tenant, after, in.Limit+1)
		if err != nil {
			return nil, server.Problem(err)
		}
		return shownPage(levels, in.Limit)
	})

	huma.Register(api, huma.Operation{
		OperationID: "get-reservation", Method: http.MethodGet, Path: "/v1/reservations/{orderId}",
		Summary: "The reservation of an order",
		Tags:    []string{"reservations"},
		Errors:  []int{400, 404, 422, 503},
	}, func(ctx context.Context, in *orderInput) (*reservationOutput, error) {
		id := stock.Reservations.Stream(server.CallerFrom(ctx).Tenant, in.OrderID)
		states, err := app.Log.Load(ctx, id)
		switch {
		case err != nil:
			return nil, server.Problem(err)
		case states.Version(id) == 0:
			return nil, huma.Error404NotFound("order " + in.OrderID + " is not known")
		}
		return &reservationOutput{Body: shownReservation(in.OrderID, stock.Reservations.State(states, id))}, nil
	})
}

// levelReached answers with the stock that a command led to.
func levelReached(ctx context.Context, sku string) func(es.States) server.Reply[StockLevel] {
	id := stock.Stocks.Stream(server.CallerFrom(ctx).Tenant, sku)
	return func(states es.States) server.Reply[StockLevel] {
		return server.Reply[StockLevel]{
			Status:   http.StatusCreated,
			Location: "/v1/stock/" + sku,
			Body:     shownLevel(sku, stock.Stocks.State(states, id)),
		}
	}
}

// ShelfInput names a SKU in a path. It is exported because what embeds it is filled by reflection.
type ShelfInput struct {
	SKU string `path:"sku" pattern:"^[A-Za-z0-9._-]{1,64}$" patternDescription:"1 to 64 letters, digits, dots, underscores or hyphens" doc:"The SKU." example:"MUG-BLUE"`
}

type receiptInput struct {
	ShelfInput
	server.Post
	Body ReceiptBody
}

// ReceiptBody is a delivery.
type ReceiptBody struct {
	Quantity  int64  `json:"quantity" minimum:"1" maximum:"1000000000" doc:"How many came in." example:"100"`
	Reference string `json:"reference" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"no control characters" doc:"Names the delivery among those of the SKU: the supplier's or the warehouse's number." example:"PO-2026-0117"`
}

type adjustmentInput struct {
	ShelfInput
	server.Post
	Body AdjustmentBody
}

// AdjustmentBody is a correction of a count.
type AdjustmentBody struct {
	Quantity int64  `json:"quantity" minimum:"-1000000000" maximum:"1000000000" doc:"Is added to what is on hand: negative where there is less than thought, and never 0." example:"-2"`
	Reason   string `json:"reason" minLength:"1" maxLength:"500" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"no control characters" doc:"Why the count is corrected." example:"stocktaking: two broken"`
}

// Resolve says what the schema cannot.
func (b AdjustmentBody) Resolve(_ huma.Context, prefix *huma.PathBuffer) []error {
	if b.Quantity == 0 {
		return []error{&huma.ErrorDetail{Location: prefix.With("quantity"), Message: "is needed, and not 0"}}
	}
	return nil
}

type listInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many SKUs a page has at most."`
	Cursor string `query:"cursor" maxLength:"200" doc:"The nextCursor of the page before; without it the first page is shown."`
}

type orderInput struct {
	OrderID string `path:"orderId" minLength:"1" maxLength:"64" doc:"The order." example:"0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a10"`
}

type stockOutput struct{ Body StockLevel }

// StockLevel is the stock of a SKU as it is shown.
type StockLevel struct {
	SKU       string `json:"sku" doc:"The SKU." example:"MUG-BLUE"`
	OnHand    int64  `json:"onHand" doc:"What stands on the shelf, what is reserved of it included." example:"120"`
	Reserved  int64  `json:"reserved" doc:"What of it is kept for orders." example:"20"`
	Available int64  `json:"available" doc:"What can still be reserved: on hand, less what is reserved." example:"100"`
}

func shownLevel(sku string, s stock.Stock) StockLevel {
	return StockLevel{SKU: sku, OnHand: s.OnHand, Reserved: s.Reserved, Available: s.Available()}
}

type pageOutput struct{ Body StockPage }

// StockPage is a page of the list of stock.
type StockPage struct {
	Items      []StockLevel `json:"items" nullable:"false" doc:"The SKUs, in the order of their bytes."`
	NextCursor string       `json:"nextCursor,omitempty" doc:"Asks for the next page; absent on the last one." example:"Ik1VRy1CTFVFIg"`
}

func shownPage(levels []level, limit int) (*pageOutput, error) {
	out := &pageOutput{Body: StockPage{Items: make([]StockLevel, 0, len(levels))}}
	if len(levels) > limit {
		levels = levels[:limit]
		var err error
		if out.Body.NextCursor, err = server.EncodeCursor(levels[limit-1].SKU); err != nil {
			return nil, server.Problem(err)
		}
	}
	for _, l := range levels {
		out.Body.Items = append(out.Body.Items, shownLevel(l.SKU, l.Stock))
	}
	return out, nil
}

type reservationOutput struct{ Body Reservation }

// Reservation is what is kept for an order, as it is shown.
type Reservation struct {
	OrderID   string     `json:"orderId" doc:"The order." example:"0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a10"`
	Status    string     `json:"status" enum:"waiting,reserved,failed,released,shipped" doc:"waiting: not all has been heard that a reservation needs, and never will be where the order was cancelled before; reserved: every line is kept for the order; failed: a line was short, and nothing is kept; released: nothing is kept, and nothing will be; shipped: what was kept has left the shelf." example:"failed"`
	Lines     []Line     `json:"lines" nullable:"false" doc:"What the order wants; empty while the order itself has not been heard of."`
	Shortages []Shortage `json:"shortages" nullable:"false" doc:"What was short, where the reservation failed."`
}

// Line is how many of a SKU an order wants.
type Line struct {
	SKU      string `json:"sku" doc:"The SKU." example:"MUG-BLUE"`
	Quantity int64  `json:"quantity" doc:"How many the order wants." example:"3"`
}

// Shortage is a SKU of which there was too little.
type Shortage struct {
	SKU       string `json:"sku" doc:"The SKU." example:"MUG-BLUE"`
	Wanted    int64  `json:"wanted" doc:"How many the order wants." example:"3"`
	Available int64  `json:"available" doc:"How many could be had when it was tried." example:"2"`
}

func shownReservation(order string, r stock.Reservation) Reservation {
	shown := Reservation{OrderID: order, Status: string(r.Status()), Lines: []Line{}, Shortages: []Shortage{}}
	for _, l := range r.Lines {
		shown.Lines = append(shown.Lines, Line(l))
	}
	for _, s := range r.Shortages {
		shown.Shortages = append(shown.Shortages, Shortage(s))
	}
	return shown
}
