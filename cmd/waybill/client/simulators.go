package client

import (
	"context"
	"net/http"
	"net/url"

	"waybill.dev/cmd/waybill/suite"
	"waybill.dev/simulators/carrier"
	"waybill.dev/simulators/mailbox"
	"waybill.dev/simulators/provider"
)

// bookPage is how much of a simulator's books is read at once.
const bookPage = 1000

// ProviderPayments reads the payment provider's books: of an order, or of all the tenant's where order is empty.
func (c *Client) ProviderPayments(ctx context.Context, order string) ([]provider.Payment, error) {
	return pages(func(cursor string) ([]provider.Payment, string, error) {
		var page provider.PaymentPage
		err := c.simulator(ctx, http.MethodGet, suite.Provider, "/v1/payments", c.bookQuery(order, cursor), &page)
		return page.Payments, page.Next, err
	})
}

// AllowPayment lifts what the provider refuses of an order's payment.
func (c *Client) AllowPayment(ctx context.Context, order string) error {
	return c.simulator(ctx, http.MethodPost, suite.Provider, "/v1/payments/"+c.reference(order)+"/allow", nil, nil)
}

// CarrierBookings reads the carrier's books: of an order, or of all the tenant's where order is empty.
func (c *Client) CarrierBookings(ctx context.Context, order string) ([]carrier.Booking, error) {
	return pages(func(cursor string) ([]carrier.Booking, string, error) {
		var page carrier.BookingPage
		err := c.simulator(ctx, http.MethodGet, suite.Carrier, "/v1/bookings", c.bookQuery(order, cursor), &page)
		return page.Bookings, page.Next, err
	})
}

// PickUp has the carrier pick up a booking's parcel now.
func (c *Client) PickUp(ctx context.Context, booking string) error {
	return c.tellCarrier(ctx, booking, "pick-up")
}

// Deliver has the carrier deliver a booking's parcel now.
func (c *Client) Deliver(ctx context.Context, booking string) error {
	return c.tellCarrier(ctx, booking, "deliver")
}

// AllowCancellation lifts the carrier's refusal to cancel a booking.
func (c *Client) AllowCancellation(ctx context.Context, booking string) error {
	return c.tellCarrier(ctx, booking, "allow")
}

func (c *Client) tellCarrier(ctx context.Context, booking, what string) error {
	return c.simulator(ctx, http.MethodPost, suite.Carrier, "/v1/bookings/"+url.PathEscape(booking)+"/"+what, nil, nil)
}

// Mails reads what the mailbox has taken: of an order, or of all the tenant's where order is empty.
func (c *Client) Mails(ctx context.Context, order string) ([]mailbox.Mail, error) {
	return pages(func(cursor string) ([]mailbox.Mail, string, error) {
		query := pageQuery(cursor, bookPage)
		query.Set("tenant", c.tenant)
		if order != "" {
			query.Set("order", order)
		}
		var page mailbox.MailPage
		err := c.simulator(ctx, http.MethodGet, suite.Mailbox, "/v1/mails", query, &page)
		return page.Mails, page.Next, err
	})
}

func (c *Client) bookQuery(order, cursor string) url.Values {
	query := pageQuery(cursor, bookPage)
	query.Set("tenant", c.tenant)
	if order != "" {
		query.Set("reference", c.reference(order))
	}
	return query
}

// reference is what the outside knows an order by.
func (c *Client) reference(order string) string { return c.tenant + "/" + order }
