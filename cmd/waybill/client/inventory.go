package client

import (
	"context"
	"net/url"

	"waybill.dev/cmd/waybill/suite"
)

// StockLevel is the stock of a SKU.
type StockLevel struct {
	SKU       string `json:"sku"`
	OnHand    int64  `json:"onHand"`
	Reserved  int64  `json:"reserved"`
	Available int64  `json:"available"`
}

// Receive adds a delivery to the stock of a SKU; the same reference counts once.
func (c *Client) Receive(ctx context.Context, sku string, quantity int64, reference string) (StockLevel, error) {
	var level StockLevel
	body := map[string]any{"quantity": quantity, "reference": reference}
	err := c.Post(ctx, suite.Inventory, stockPath(sku)+"/receipts", body, &level)
	return level, err
}

// Stock shows the stock of a SKU.
func (c *Client) Stock(ctx context.Context, sku string) (StockLevel, error) {
	var level StockLevel
	err := c.Get(ctx, suite.Inventory, stockPath(sku), nil, &level)
	return level, err
}

// AllStock shows the stock of every SKU of the tenant.
func (c *Client) AllStock(ctx context.Context) ([]StockLevel, error) {
	return pages(func(cursor string) ([]StockLevel, string, error) {
		var page struct {
			Items      []StockLevel
			NextCursor string
		}
		err := c.Get(ctx, suite.Inventory, "/v1/stock", pageQuery(cursor, 200), &page)
		return page.Items, page.NextCursor, err
	})
}

// Reservation is what is kept for an order.
type Reservation struct {
	OrderID string `json:"orderId"`
	Status  string `json:"status"`
	Lines   []struct {
		SKU      string `json:"sku"`
		Quantity int64  `json:"quantity"`
	} `json:"lines"`
	Shortages []Shortage `json:"shortages"`
}

// Reservation shows what is kept for an order.
func (c *Client) Reservation(ctx context.Context, order string) (Reservation, error) {
	var reservation Reservation
	err := c.Get(ctx, suite.Inventory, "/v1/reservations/"+url.PathEscape(order), nil, &reservation)
	return reservation, err
}

func stockPath(sku string) string { return "/v1/stock/" + url.PathEscape(sku) }
