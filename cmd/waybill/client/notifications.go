package client

import (
	"context"
	"net/url"
	"time"

	"waybill.dev/cmd/waybill/suite"
)

// Notification is a mail that an order owes its customer.
type Notification struct {
	Kind      string    `json:"kind"`
	Channel   string    `json:"channel"`
	Address   string    `json:"address"`
	Status    string    `json:"status"`
	MessageID string    `json:"messageId"`
	At        time.Time `json:"at"`
}

// Notifications lists the mails of an order, in the order in which they fell due.
func (c *Client) Notifications(ctx context.Context, order string) ([]Notification, error) {
	var list struct{ Notifications []Notification }
	err := c.Get(ctx, suite.Notifications, "/v1/notifications", url.Values{"order": {order}}, &list)
	return list.Notifications, err
}
