package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"waybill.dev/cmd/waybill/suite"
)

// Money is an amount in the minor units of a currency: 1999 EUR is €19.99.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Customer is who orders.
type Customer struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Line is one article of an order.
type Line struct {
	SKU       string `json:"sku"`
	Name      string `json:"name"`
	Quantity  int64  `json:"quantity"`
	UnitPrice Money  `json:"unitPrice"`
}

// Address is where a parcel goes.
type Address struct {
	Name       string `json:"name"`
	Line1      string `json:"line1"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city"`
	PostalCode string `json:"postalCode"`
	Country    string `json:"country"`
}

// Card is how an order is paid.
type Card struct {
	Method string `json:"method"` // "card"
	Token  string `json:"token"`
}

// NewOrder is an order to be placed.
type NewOrder struct {
	Customer        Customer `json:"customer"`
	Lines           []Line   `json:"lines"`
	ShippingAddress Address  `json:"shippingAddress"`
	Payment         Card     `json:"payment"`
}

// Order is an order as it is shown.
type Order struct {
	ID              string     `json:"id"`
	Status          string     `json:"status"`
	Attention       string     `json:"attention"`
	NextStep        string     `json:"nextStep"` // empty where it waits for none
	DueAt           time.Time  `json:"dueAt"`
	Reason          string     `json:"reason"`
	Total           Money      `json:"total"`
	Customer        Customer   `json:"customer"`
	Lines           []Line     `json:"lines"`
	ShippingAddress Address    `json:"shippingAddress"`
	Cancellation    *Asked     `json:"cancellation"`
	Shortages       []Shortage `json:"shortages"`
	Shipment        *Parcel    `json:"shipment"`
	PlacedAt        time.Time  `json:"placedAt"`
	UpdatedAt       time.Time  `json:"updatedAt"`
}

// The statuses of an order.
const (
	StatusPlaced     = "placed"
	StatusAuthorized = "authorized"
	StatusReserved   = "reserved"
	StatusShipped    = "shipped"
	StatusCompleted  = "completed"
	StatusCancelling = "cancelling"
	StatusCancelled  = "cancelled"
)

// Ended says whether the order has come to its end.
func (o Order) Ended() bool { return o.Status == StatusCompleted || o.Status == StatusCancelled }

// Asked is a request for an order's cancellation.
type Asked struct {
	RequestedBy string    `json:"requestedBy"`
	Reason      string    `json:"reason"`
	RequestedAt time.Time `json:"requestedAt"`
	Refused     bool      `json:"refused"`
}

// Shortage is a SKU of which there was too little.
type Shortage struct {
	SKU       string `json:"sku"`
	Wanted    int64  `json:"wanted"`
	Available int64  `json:"available"`
}

// Parcel is what an order shows of its shipment.
type Parcel struct {
	Carrier        string    `json:"carrier"`
	TrackingNumber string    `json:"trackingNumber"`
	ShippedAt      time.Time `json:"shippedAt"`
	DeliveredAt    time.Time `json:"deliveredAt"` // zero until then
}

// PlaceOrder places an order.
func (c *Client) PlaceOrder(ctx context.Context, order NewOrder) (Order, error) {
	var placed Order
	err := c.Post(ctx, suite.Orders, "/v1/orders", order, &placed)
	return placed, err
}

// Order shows an order.
func (c *Client) Order(ctx context.Context, id string) (Order, error) {
	var order Order
	err := c.Get(ctx, suite.Orders, orderPath(id), nil, &order)
	return order, err
}

// AwaitOrder waits until the order is as the condition wants it, and returns it as it was last seen.
func (c *Client) AwaitOrder(ctx context.Context, id, wanted string, condition func(Order) bool) (Order, error) {
	var last Order
	err := Await(ctx, func(ctx context.Context) error {
		order, err := c.Order(ctx, id)
		if err != nil {
			return err
		}
		if last = order; !condition(order) {
			return fmt.Errorf("order %s is %s, not %s", id, strings.TrimSpace(order.Status+" "+order.Attention), wanted)
		}
		return nil
	})
	return last, err
}

// AwaitStatus waits until the order has the status, and shows attention or not as is wanted.
func (c *Client) AwaitStatus(ctx context.Context, id, status string, attention bool) (Order, error) {
	return c.AwaitOrder(ctx, id, status, func(o Order) bool {
		return o.Status == status && (o.Attention != "") == attention
	})
}

// OrderFilter chooses a page of orders. Empty fields choose all; Limit 0 is the service's own.
type OrderFilter struct {
	Status, Customer, Cursor string
	Attention, Overdue       *bool
	Limit                    int
}

// OrderPage is a page of orders, newest first, or the longest overdue first; NextCursor is empty on the last.
type OrderPage struct {
	Items      []OrderSummary `json:"items"`
	NextCursor string         `json:"nextCursor"`
}

// OrderSummary is an order in a list.
type OrderSummary struct {
	ID         string    `json:"id"`
	Status     string    `json:"status"`
	Attention  string    `json:"attention"`
	NextStep   string    `json:"nextStep"`
	DueAt      time.Time `json:"dueAt"`
	CustomerID string    `json:"customerId"`
	Total      Money     `json:"total"`
	PlacedAt   time.Time `json:"placedAt"`
	UpdatedAt  time.Time `json:"updatedAt"`
}

// Orders lists a page of orders.
func (c *Client) Orders(ctx context.Context, f OrderFilter) (OrderPage, error) {
	query := url.Values{}
	for name, value := range map[string]string{"status": f.Status, "customer": f.Customer, "cursor": f.Cursor} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for name, value := range map[string]*bool{"attention": f.Attention, "overdue": f.Overdue} {
		if value != nil {
			query.Set(name, strconv.FormatBool(*value))
		}
	}
	if f.Limit > 0 {
		query.Set("limit", strconv.Itoa(f.Limit))
	}
	var page OrderPage
	err := c.Get(ctx, suite.Orders, "/v1/orders", query, &page)
	return page, err
}

// Fact is one fact of an order's history.
type Fact struct {
	Kind          string          `json:"kind"` // "order.placed"
	At            time.Time       `json:"at"`
	Version       int64           `json:"version"`
	ID            string          `json:"id"`
	CausationID   string          `json:"causationId"`
	CorrelationID string          `json:"correlationId"`
	Data          json.RawMessage `json:"data"`
}

// History lists every fact of an order, in the order in which they were noted.
func (c *Client) History(ctx context.Context, id string) ([]Fact, error) {
	var history struct{ Facts []Fact }
	err := c.Get(ctx, suite.Orders, orderPath(id)+"/history", nil, &history)
	return history.Facts, err
}

// Cancel asks for an order to be cancelled.
func (c *Client) Cancel(ctx context.Context, id, reason string) (Order, error) {
	var order Order
	err := c.Post(ctx, suite.Orders, orderPath(id)+"/cancellation", map[string]string{"reason": reason}, &order)
	return order, err
}

// Resolution is an operator's word on an order.
type Resolution struct {
	Outcome    string `json:"outcome"` // StatusCompleted or StatusCancelled
	ResolvedBy string `json:"resolvedBy"`
	Reason     string `json:"reason"`
}

// Resolve settles an order by hand.
func (c *Client) Resolve(ctx context.Context, id string, resolution Resolution) (Order, error) {
	var order Order
	err := c.Post(ctx, suite.Orders, orderPath(id)+"/resolution", resolution, &order)
	return order, err
}

func orderPath(id string) string { return "/v1/orders/" + url.PathEscape(id) }
