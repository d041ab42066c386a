package client

import (
	"context"
	"net/url"
	"time"

	"waybill.dev/cmd/waybill/suite"
)

// Payment is the payment of an order.
type Payment struct {
	OrderID    string           `json:"orderId"`
	Status     string           `json:"status"`
	Authorized Money            `json:"authorized"`
	Captured   Money            `json:"captured"`
	Refunded   Money            `json:"refunded"`
	Attention  string           `json:"attention"`
	Attempts   []PaymentAttempt `json:"attempts"`
}

// PaymentAttempt is something that the payment provider was asked for.
type PaymentAttempt struct {
	Operation         string    `json:"operation"`
	Number            int       `json:"number"`
	Key               string    `json:"key"`
	Status            string    `json:"status"`
	Code              string    `json:"code"`
	ProviderReference string    `json:"providerReference"`
	At                time.Time `json:"at"`
}

// Payment shows the payment of an order.
func (c *Client) Payment(ctx context.Context, order string) (Payment, error) {
	var payment Payment
	err := c.Get(ctx, suite.Payments, "/v1/payments/"+url.PathEscape(order), nil, &payment)
	return payment, err
}

// RetryPayment tries again what the provider has refused.
func (c *Client) RetryPayment(ctx context.Context, order string) (Payment, error) {
	var payment Payment
	err := c.Post(ctx, suite.Payments, "/v1/payments/"+url.PathEscape(order)+"/retry", nil, &payment)
	return payment, err
}
