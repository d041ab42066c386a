package shipping

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"waybill.dev/platform/es"
	"waybill.dev/platform/server"
	"waybill.dev/services/shipping/shipment"
)

// maxOrderID bounds the id of an order, in bytes.
const maxOrderID = 64

func routes(api huma.API, app *server.App) {
	huma.Register(api, huma.Operation{
		OperationID: "get-shipment", Method: http.MethodGet, Path: "/v1/shipments/{orderId}",
		Summary:     "The shipment of an order",
		Description: "How far the parcel is, and what happened when.",
		Tags:        []string{"shipments"},
		Errors:      []int{400, 404, 422, 503},
	}, func(ctx context.Context, in *OrderPath) (*shipmentOutput, error) {
		history, err := app.Log.History(ctx, shipment.Category.Stream(server.CallerFrom(ctx).Tenant, in.OrderID))
		if err != nil {
			return nil, server.Problem(err)
		}
		if len(history) == 0 {
			return nil, huma.Error404NotFound("there is no shipment for this order")
		}
		out := ShipmentWithTimeline{Timeline: make([]Happening, 0, len(history))}
		var s shipment.Shipment
		for _, f := range history {
			e, ok := f.Event.(shipment.Event)
			if !ok {
				return nil, server.Problem(fmt.Errorf("fact %s is none of a shipment", f.Event.Kind()))
			}
			s = shipment.Evolve(s, e)
			out.Timeline = append(out.Timeline, happened(e, f.At))
		}
		out.Shipment = shown(in.OrderID, s)
		return &shipmentOutput{Body: out}, nil
	})

	huma.Register(api, huma.Operation{
		OperationID: "retry-shipment", Method: http.MethodPost, Path: "/v1/shipments/{orderId}/retry",
		Summary:       "Retry what needs attention",
		Description:   "Once the cause of a refused cancellation is lifted at the carrier: asks again under a new key. It is a 409 where nothing needs attention.",
		Tags:          []string{"shipments"},
		DefaultStatus: http.StatusAccepted,
		Errors:        []int{400, 404, 409, 413, 415, 422, 503},
	}, func(ctx context.Context, in *retryInput) (*server.Reply[Shipment], error) {
		id := shipment.Category.Stream(server.CallerFrom(ctx).Tenant, in.OrderID)
		return server.Execute(ctx, app, in.Post, shipment.Retry(id.Tenant, id.ID), func(states es.States) server.Reply[Shipment] {
			return server.Reply[Shipment]{
				Status:   http.StatusAccepted,
				Location: "/v1/shipments/" + id.ID,
				Body:     shown(id.ID, shipment.Category.State(states, id)),
			}
		})
	})
}

// OrderPath names the order in a path. It is exported because huma does not see into embedded fields that are not.
type OrderPath struct {
	OrderID string `path:"orderId" minLength:"1" maxLength:"64" doc:"The order." example:"0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a10"`
}

type retryInput struct {
	OrderPath
	server.Post
}

type shipmentOutput struct{ Body ShipmentWithTimeline }

// Shipment is the shipment of an order as it is shown.
type Shipment struct {
	OrderID        string          `json:"orderId" doc:"The order." example:"0199c3b4-7d1e-7a52-9f0e-3f6c1f6f2a10"`
	Status         shipment.Status `json:"status" enum:"waiting,booking,booked,shipped,delivered,cancelling,cancelled,failed" doc:"waiting: for the order or its stock, for ever where the order was cancelled before; booking: the carrier was asked; booked: it will fetch the parcel; shipped: it has it; delivered: the customer has it; cancelling: a cancellation waits for the carrier; cancelled: nothing was shipped, and nothing will be; failed: the carrier refused the booking." example:"shipped"`
	Carrier        string          `json:"carrier,omitempty" doc:"Who brings the parcel; absent until it is booked." example:"Simulated Parcel"`
	TrackingNumber string          `json:"trackingNumber,omitempty" doc:"What the customer follows the parcel by; absent until it is booked." example:"SP5K2Q8"`
	Attention      string          `json:"attention,omitempty" doc:"Why a person must look; absent where none must." example:"cancel refused: cancellation_refused"`
}

// ShipmentWithTimeline is a shipment, and how it came about.
type ShipmentWithTimeline struct {
	Shipment
	Timeline []Happening `json:"timeline" nullable:"false" doc:"What happened, in the order in which it was heard of."`
}

// Happening is something that happened to a shipment.
type Happening struct {
	What string    `json:"what" enum:"order-placed,stock-reserved,cancellation-requested,order-resolved,booking-asked,booked,booking-refused,picked-up,cancellation-asked,cancelled,cancellation-refused,cancellation-refused-by-carrier,retry-requested,delivered" doc:"What happened." example:"picked-up"`
	At   time.Time `json:"at" doc:"When: by the carrier's clock for a pick-up and a delivery, else when it was noted." example:"2026-03-04T10:00:00Z"`
}

func shown(order string, s shipment.Shipment) Shipment {
	out := Shipment{
		OrderID: order, Status: s.Status(), Carrier: s.Booking.Carrier, TrackingNumber: s.Booking.TrackingNumber,
	}
	if s.NeedsAttention() {
		out.Attention = fmt.Sprintf("%s refused: %s", s.Attention.Operation, s.Attention.Code)
	}
	return out
}

// happened is the fact as it is shown; at is when it was noted.
func happened(e shipment.Event, at time.Time) Happening {
	h := Happening{At: at.UTC()}
	switch e := e.(type) {
	case shipment.OrderHeard:
		h.What = "order-placed"
	case shipment.StockReservedHeard:
		h.What = "stock-reserved"
	case shipment.CancellationHeard:
		h.What = "cancellation-requested"
	case shipment.ResolutionHeard:
		h.What = "order-resolved"
	case shipment.Attempted:
		h.What = "booking-asked"
		if e.Operation == shipment.Cancel {
			h.What = "cancellation-asked"
		}
	case shipment.Booked:
		h.What = "booked"
	case shipment.BookingRefused:
		h.What = "booking-refused"
	case shipment.PickedUp:
		h.What, h.At = "picked-up", e.At.UTC()
	case shipment.Cancelled:
		h.What = "cancelled"
	case shipment.CancellationRefused:
		h.What = "cancellation-refused"
	case shipment.CarrierRefusedCancel:
		h.What = "cancellation-refused-by-carrier"
	case shipment.RetryRequested:
		h.What = "retry-requested"
	case shipment.Delivered:
		h.What, h.At = "delivered", e.At.UTC()
	}
	return h
}
