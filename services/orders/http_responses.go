package orders

import (
	"time"

	"waybill.dev/platform/es"
	"waybill.dev/platform/server"
	"waybill.dev/services/orders/order"
)

type orderOutput struct{ Body Order }

// Order is an order as it is shown. The payment token is not.
type Order struct {
	ID              string      `json:"id" doc:"UUIDv7." example:"0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a10"`
	Status          string      `json:"status" enum:"placed,authorized,reserved,shipped,completed,cancelling,cancelled" doc:"How far the order has come." example:"reserved"`
	Attention       string      `json:"attention,omitempty" doc:"Why a person must look; absent where nobody need." example:"capture refused: card_expired"`
	NextStep        string      `json:"nextStep,omitempty" enum:"authorization,reservation,shipment,capture,cancellation" doc:"What the order waits for; absent where it has ended or waits for a person." example:"shipment"`
	DueAt           time.Time   `json:"dueAt,omitzero" doc:"When the next step is due; past it, the order is overdue." example:"2026-03-04T10:00:00Z"`
	Reason          string      `json:"reason,omitempty" doc:"Why it was cancelled: the code of what was refused, or the reason given with the request." example:"card_declined"`
	Total           Money       `json:"total" doc:"The sum of the lines."`
	Customer        Customer    `json:"customer"`
	Lines           []Line      `json:"lines" nullable:"false"`
	ShippingAddress Address     `json:"shippingAddress"`
	Cancellation    *Asked      `json:"cancellation,omitempty" doc:"The request for its cancellation, where there is one."`
	Shortages       []Shortage  `json:"shortages,omitempty" nullable:"false" doc:"What was short, where the stock could not be reserved."`
	Shipment        *Shipment   `json:"shipment,omitempty" doc:"The parcel, once the carrier has it."`
	Resolution      *Resolution `json:"resolution,omitempty" doc:"The operator's word, where one has settled the order by hand."`
	PlacedAt        time.Time   `json:"placedAt" doc:"When it was placed."`
	UpdatedAt       time.Time   `json:"updatedAt,omitzero" doc:"When its last fact was noted. Left out of the answer to a request that changes the order."`
}

// Money is an amount of a currency.
type Money struct {
	Amount   int64  `json:"amount" doc:"In minor units as ISO 4217 defines them." example:"3998"`
	Currency string `json:"currency" doc:"ISO 4217 code." example:"EUR"`
}

// Line is one article of an order.
type Line struct {
	SKU       string `json:"sku" example:"MUG-BLUE"`
	Name      string `json:"name" example:"Mug, blue"`
	Quantity  int64  `json:"quantity" example:"2"`
	UnitPrice Money  `json:"unitPrice"`
}

// Asked is a request for cancellation as it is shown.
type Asked struct {
	RequestedBy string    `json:"requestedBy" enum:"customer,operator,deadline" doc:"Who asked; a deadline asks by itself." example:"customer"`
	Reason      string    `json:"reason" example:"ordered twice by mistake"`
	RequestedAt time.Time `json:"requestedAt"`
	Refused     bool      `json:"refused" doc:"Whether it came too late: the carrier has the parcel, and the order goes on."`
}

// Shortage is a SKU of which there was too little.
type Shortage struct {
	SKU       string `json:"sku" example:"MUG-BLUE"`
	Wanted    int64  `json:"wanted" example:"3"`
	Available int64  `json:"available" example:"2"`
}

// Shipment is the parcel.
type Shipment struct {
	Carrier        string    `json:"carrier,omitempty" example:"simulated-post"`
	TrackingNumber string    `json:"trackingNumber,omitempty" example:"SP-000042"`
	ShippedAt      time.Time `json:"shippedAt,omitzero" doc:"When the carrier picked it up."`
	DeliveredAt    time.Time `json:"deliveredAt,omitzero" doc:"When the customer got it; absent until then."`
}

// shownOrder is a placed order; the time of its last fact may be left out.
func shownOrder(id string, o order.Order, updated time.Time) Order {
	shown := Order{
		ID: id, Status: string(o.Status()), Attention: o.Attention(), Total: Money(o.Placed.Total),
		Customer: Customer(o.Placed.Customer), ShippingAddress: Address(o.Placed.ShippingAddress),
		PlacedAt: o.Placed.PlacedAt, UpdatedAt: updated,
	}
	for _, l := range o.Placed.Lines {
		shown.Lines = append(shown.Lines, Line{SKU: l.SKU, Name: l.Name, Quantity: l.Quantity, UnitPrice: Money(l.UnitPrice)})
	}
	if e, waits := o.Expects(); waits {
		shown.NextStep, shown.DueAt = string(e.Step), e.Due.UTC()
	}
	if o.Cancelled != nil {
		shown.Reason = o.Cancelled.Reason
	}
	if r := o.Requested; r != nil {
		shown.Cancellation = &Asked{
			RequestedBy: string(r.RequestedBy), Reason: r.Reason, RequestedAt: r.RequestedAt, Refused: o.Refused != nil,
		}
	}
	if o.ReservationFailed != nil {
		for _, s := range o.ReservationFailed.Shortages {
			shown.Shortages = append(shown.Shortages, Shortage(s))
		}
	}
	if o.Shipped != nil || o.Delivered != nil {
		shown.Shipment = &Shipment{}
	}
	if s := o.Shipped; s != nil {
		shown.Shipment.Carrier, shown.Shipment.TrackingNumber, shown.Shipment.ShippedAt = s.Carrier, s.TrackingNumber, s.PickedUpAt
	}
	if o.Delivered != nil {
		shown.Shipment.DeliveredAt = o.Delivered.DeliveredAt
	}
	if r := o.Resolved; r != nil {
		shown.Resolution = &Resolution{Outcome: string(r.Outcome), ResolvedBy: r.ResolvedBy, Reason: r.Reason}
	}
	return shown
}

type pageOutput struct{ Body OrderPage }

// OrderPage is a page of the list of orders.
type OrderPage struct {
	Items      []OrderSummary `json:"items" nullable:"false" doc:"The orders, newest first."`
	NextCursor string         `json:"nextCursor,omitempty" doc:"Asks for the next page; absent on the last one."`
}

// OrderSummary is an order in a list.
type OrderSummary struct {
	ID         string    `json:"id" example:"0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a10"`
	Status     string    `json:"status" enum:"placed,authorized,reserved,shipped,completed,cancelling,cancelled" example:"completed"`
	Attention  string    `json:"attention,omitempty" doc:"Why a person must look; absent where nobody need."`
	NextStep   string    `json:"nextStep,omitempty" enum:"authorization,reservation,shipment,capture,cancellation" doc:"What the order waits for; absent where it has ended or waits for a person." example:"shipment"`
	DueAt      time.Time `json:"dueAt,omitzero" doc:"When the next step is due; past it, the order is overdue." example:"2026-03-04T10:00:00Z"`
	CustomerID string    `json:"customerId" example:"customer-1815"`
	Total      Money     `json:"total"`
	PlacedAt   time.Time `json:"placedAt"`
	UpdatedAt  time.Time `json:"updatedAt"`
}

func (f filter) shownPage(rows []row, limit int) (*pageOutput, error) {
	out := &pageOutput{Body: OrderPage{Items: make([]OrderSummary, 0, len(rows))}}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		var end any = place{last.PlacedAt, last.ID}
		if f.byDue() {
			end = duePlace{*last.DueAt, last.ID}
		}
		var err error
		if out.Body.NextCursor, err = server.EncodeCursor(end); err != nil {
			return nil, server.Problem(err)
		}
	}
	for _, r := range rows {
		shown := OrderSummary{
			ID: r.ID, Status: string(r.Status), Attention: r.Attention, CustomerID: r.CustomerID, Total: Money(r.Total),
			PlacedAt: r.PlacedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		}
		if r.NextStep != nil {
			shown.NextStep, shown.DueAt = string(*r.NextStep), r.DueAt.UTC()
		}
		out.Body.Items = append(out.Body.Items, shown)
	}
	return out, nil
}

type historyOutput struct{ Body History }

// History is every fact of an order.
type History struct {
	Facts []Fact `json:"facts" nullable:"false" doc:"In the order in which they were noted."`
}

// Fact is one fact as it is shown.
type Fact struct {
	Kind          string    `json:"kind" doc:"What it is." example:"order.payment-authorized"`
	At            time.Time `json:"at" doc:"When it was noted."`
	Version       int64     `json:"version" doc:"Counts the order's facts from 1." example:"2"`
	ID            string    `json:"id" doc:"UUIDv7; the events that were published of it carry it." example:"0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a11"`
	CausationID   string    `json:"causationId" doc:"The request or the message that brought it about." example:"0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a12"`
	CorrelationID string    `json:"correlationId" doc:"Shared by all that came of one request." example:"0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a13"`
	Data          any       `json:"data" doc:"What it says."`
}

// withheld stands where a secret was.
const withheld = "(withheld)"

func shownHistory(facts []es.Recorded) History {
	shown := History{Facts: make([]Fact, 0, len(facts))}
	for _, f := range facts {
		data := f.Event
		if placed, ok := data.(order.Placed); ok {
			placed.Payment.Token = withheld
			data = placed
		}
		shown.Facts = append(shown.Facts, Fact{
			Kind: f.Event.Kind(), At: f.At, Version: f.Version, ID: f.ID,
			CausationID: f.CausationID, CorrelationID: f.CorrelationID, Data: data,
		})
	}
	return shown
}
